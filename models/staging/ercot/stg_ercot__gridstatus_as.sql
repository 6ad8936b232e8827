-- ERCOT prices of ancillary services in the shape the gridstatus library prints. One row per product and
-- interval. Quirks: older files have a column for each product and the market's word, newer ones a row for
-- each product and no market: an hour is of the day-ahead market, because real-time prices, which
-- began on 5 December 2025, are of quarters.
with source as (

    select * from {{ source('ercot', 'gridstatus_as') }}

),

typed as (

    {{ gridstatus_as_rows(
        'source',
        iso='ercot',
        region="'ERCOT'",
        columns=[
            'AS Type',
            'MCPC',
            'Non-Spinning Reserves',
            'Regulation Down',
            'Regulation Up',
            'Responsive Reserves',
            'ERCOT Contingency Reserve Service',
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
        iso='ercot',
        products={
            'MCPC': '"MCPC"',
            'Non-Spinning Reserves': '"Non-Spinning Reserves"',
            'Regulation Down': '"Regulation Down"',
            'Regulation Up': '"Regulation Up"',
            'Responsive Reserves': '"Responsive Reserves"',
            'ERCOT Contingency Reserve Service': '"ERCOT Contingency Reserve Service"',
        },
        words={'MCPC': trimmed('"AS Type"')},
        may_be_shorter="interval_start_utc >= timestamptz '2025-12-05 06:00:00+00'"
    ) }}

)

select * from final
