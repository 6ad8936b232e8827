-- ISO-NE day-ahead prices, report WW_DALMP_ISO. One row per location and hour.
-- Quirks: hour labels are text, Eastern prevailing time, clock hour at the start plus one; the fall
-- day's second 02 is 02X, the spring day has no 03; names are of fixed width and end in blanks.
with source as (

    select * from {{ source('isone', 'ww_dalmp_iso') }}

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

    {{ isone_daily_prices('located', version=1) }}

)

select * from final
