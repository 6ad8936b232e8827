-- ISO-NE preliminary real-time hourly prices, report lmp_rt_prelim. One row per location and hour.
-- Quirks: the hour labels of the final report; locations have a name alone. The ids of hub, zones and
-- external nodes are known; for the rest the name stands for the id.
with source as (

    select * from {{ source('isone', 'lmp_rt_prelim') }}

),

typed as (

    {{ isone_daily_rows(
        'source',
        location_id='"Location"',
        location_name='"Location"',
        location_type='null::varchar'
    ) }}

),

clocked as (

    {{ with_utc('typed', iso='isone', column='Date and Hour Ending') }}

),

marked as (

    {{ with_lost_marks('clocked', price='lmp_total', series='settlement_location_id') }}

),

listed as (

    {{ with_isone_location('marked', has_id='false', unknown_type="'none'") }}

),

located as (

    {{ with_location_type('listed', iso='isone', published_type='published_type') }}

),

final as (

    {{ isone_daily_prices('located', version=1, id_column='Location', name_column='Location') }}

)

select * from final
