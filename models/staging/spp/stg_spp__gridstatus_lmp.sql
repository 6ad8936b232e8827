-- SPP prices in the shape the gridstatus library prints. One row per settlement location and interval.
-- Quirks: PNode is not the key and is read past; BAA is the zone; bus prices are left out, because their
-- locations are pnodes and not settlement locations.
with source as (

    select * from {{ source('spp', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows(
        'source',
        iso='spp',
        zone='"BAA"',
        left_out='case when "Location Type" = \'Bus\' then \'a bus is no settlement location\' end'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

listed as (

    {{ seeded_locations('spp') }}

),

named as (

    {{ with_listed_location('stepped', 'listed') }}

),

located as (

    {{ with_location_type('named', iso='spp', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located') }}

)

select * from final
