-- CAISO prices in the shape the gridstatus library prints. One row per location and interval.
-- Quirks: the type is told by the name, as in CAISO's own reports (gridstatus calls sub-LAPs AP nodes);
-- the price holds a greenhouse-gas part; older files have an unnamed index column, a bare Time and
-- no types, and call quarter-hours REAL_TIME_HOURLY.
with source as (

    select * from {{ source('caiso', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows('source', iso='caiso', extras={'lmp_ghg': '"GHG"'}) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

located as (

    {{ with_location_type('stepped', iso='caiso', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located', extras={'GHG': 'lmp_ghg'}) }}

)

select * from final
