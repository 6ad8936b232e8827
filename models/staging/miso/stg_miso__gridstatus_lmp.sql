-- MISO prices in the shape the gridstatus library prints. One row per node and interval.
-- Quirks: energy is derived, and rounded here to the two decimals MISO publishes; final prices count as
-- version 2, preliminary ones as 1; ex-ante prices are left out.
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

located as (

    {{ with_location_type('stepped', iso='miso', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located') }}

)

select * from final
