-- CAISO prices of ancillary services in the shape the gridstatus library prints. One row per product,
-- region and interval. Quirks: the market's word is the operator's own, DAM, HASP or RTM; files of quarters
-- of an hour lack it since September 2026, and are of real time; the library fills what its pivot lacks
-- with 0, which nothing tells from a price of 0.
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
        hourly='null::varchar',
        faults="
                when market = 'none' and bool_or(market <> 'none') over (partition by raw_file)
                    then 'rejected: no Market'
                when market = 'none' and interval_minutes = 60
                    then 'refused: has no Market, and an hour may be of the day-ahead market or of the hour-ahead run: '
                    || 'download it with that column'"
    ) }}

)

select * from final
