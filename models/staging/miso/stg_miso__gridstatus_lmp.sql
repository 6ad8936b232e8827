-- MISO prices in the shape the gridstatus library prints. One row per node and interval.
-- Quirks: energy is derived, and rounded here to the two decimals MISO publishes; final prices count as
-- version 2, preliminary ones as 1; ex-ante prices are left out; a file may lack the type of its locations,
-- of which interfaces are known by name.
with source as (

    select * from {{ source('miso', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows(
        'source',
        iso='miso',
        energy='round(coalesce("Energy", "LMP" - "Congestion" - "Loss"), 2)'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

listed as (

    {{ seeded_locations('miso') }}

),

named as (

    {{ with_listed_location('stepped', 'listed') }}

),

located as (

    {{ with_location_type('named', iso='miso', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located') }}

)

select * from final
