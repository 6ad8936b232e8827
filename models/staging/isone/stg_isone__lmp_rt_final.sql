-- ISO-NE real-time hourly prices as settled, report lmp_rt_final. One row per location and hour.
-- Quirks: those of the day-ahead report, 02X on the fall day and no 03 on the spring day; it replaces the
-- preliminary report, so its version is 2.
with source as (

    select * from {{ source('isone', 'lmp_rt_final') }}

),

typed as (

    {{ isone_daily_rows('source') }}

),

clocked as (

    {{ with_utc('typed', iso='isone', column='Date and Hour Ending') }}

),

marked as (

    {{ with_lost_marks('clocked', price='lmp_total', series='settlement_location_id') }}

),

listed as (

    {{ with_isone_location('marked', has_id=has_column('Location ID')) }}

),

located as (

    {{ with_location_type('listed', iso='isone', published_type='published_type') }}

),

final as (

    {{ isone_daily_prices('located', version=2) }}

)

select * from final
