-- ISO-NE prices in the shape the gridstatus library prints. One row per location and interval.
-- Quirks: most files have names without ids; the ids of hub, zones and external nodes are known, and for
-- the rest the name stands for the id.
with source as (

    select * from {{ source('isone', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows('source', iso='isone', location_id='"Location Id"') }}

),

stepped as (

    {{ with_time_step('typed') }}

),

listed as (

    {{ seeded_locations('isone') }}

),

named as (

    {{ with_listed_location('stepped', 'listed') }}

),

located as (

    {{ with_location_type('named', iso='isone', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located') }}

)

select * from final
