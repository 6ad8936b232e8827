-- CAISO prices of ancillary services in the shape the gridstatus library prints. One row per product,
-- region and interval. Quirks: the market's word is the operator's own, DAM, HASP or RTM; the library
-- fills what its pivot lacks with 0, which nothing tells from a price of 0.
with source as (

    select * from {{ source('caiso', 'gridstatus_as') }}

),

typed as (

    {{ gridstatus_as_rows(
        'source',
        iso='caiso',
        region=trimmed('"Region"'),
        columns=[
            'Non-Spinning Reserves',
            'Regulation Down',
            'Regulation Mileage Down',
            'Regulation Mileage Up',
            'Regulation Up',
            'Spinning Reserves',
        ],
        market='"Market"'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

final as (

    {{ gridstatus_as_prices(
        'stepped',
        iso='caiso',
        products={
            'Non-Spinning Reserves': '"Non-Spinning Reserves"',
            'Regulation Down': '"Regulation Down"',
            'Regulation Mileage Down': '"Regulation Mileage Down"',
            'Regulation Mileage Up': '"Regulation Mileage Up"',
            'Regulation Up': '"Regulation Up"',
            'Spinning Reserves': '"Spinning Reserves"',
        },
        told_market=true
    ) }}

)

select * from final
