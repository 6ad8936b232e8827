-- ISO-NE real-time reserve prices in the shape the gridstatus library prints. One row per product, reserve
-- zone and interval. Quirks: day-ahead prices are not printed in this shape; of the designated megawatts
-- only those of spinning reserve are the quantity of a price, as in the operator's own reports.
with source as (

    select * from {{ source('isone', 'gridstatus_as') }}

),

typed as (

    {{ gridstatus_as_rows(
        'source',
        iso='isone',
        region=trimmed('"Reserve Zone Name"'),
        columns=[
            'TMSR Clearing Price',
            'TMNSR Clearing Price',
            'TMOR Clearing Price',
            'TMSR Designated MW',
        ]
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

final as (

    {{ gridstatus_as_prices(
        'stepped',
        iso='isone',
        products={
            'TMSR Clearing Price': '"TMSR Clearing Price"',
            'TMNSR Clearing Price': '"TMNSR Clearing Price"',
            'TMOR Clearing Price': '"TMOR Clearing Price"',
        },
        quantities={
            'TMSR Clearing Price': '"TMSR Designated MW"',
        },
        hourly="'RT'"
    ) }}

)

select * from final
