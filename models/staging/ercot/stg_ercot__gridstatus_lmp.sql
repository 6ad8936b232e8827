-- ERCOT settlement point prices in the shape the gridstatus library prints. One row per settlement point
-- and interval. Quirks: the price column is SPP, and there are no components; energy-weighted load zones
-- come as <name>_EW; the type is told by the name.
with source as (

    select * from {{ source('ercot', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows(
        'source',
        iso='ercot',
        price='"SPP"',
        energy='null::double',
        congestion='null::double',
        loss='null::double'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

located as (

    {{ with_location_type('stepped', iso='ercot') }}

),

final as (

    {{ gridstatus_lmp_prices('located', price='SPP') }}

)

select * from final
