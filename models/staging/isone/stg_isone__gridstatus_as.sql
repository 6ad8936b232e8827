-- ISO-NE prices of ancillary services in the shapes that gridstatus prints. One row per product, region and
-- interval. Quirks: three shapes, of which only that of day-ahead reserves has forecast energy, and only
-- that of real-time reserves zones; day-ahead prices are those of location 7000, and regulation is of the
-- whole control area; of the designated megawatts only those of spinning reserve are the quantity of a
-- price, as in the operator's own reports.
with source as (

    select * from {{ source('isone', 'gridstatus_as') }}

),

typed as (

    {{ gridstatus_as_rows(
        'source',
        iso='isone',
        region="case when " ~ has_column('Reserve Zone Name') ~ " then " ~ trimmed('"Reserve Zone Name"')
            ~ " when " ~ has_column('FER Clearing Price') ~ " then '7000' else 'ISO NE CA' end",
        columns=[
            'TMSR Clearing Price',
            'TMNSR Clearing Price',
            'TMOR Clearing Price',
            'FER Clearing Price',
            'Reg Service Clearing Price',
            'Reg Capacity Clearing Price',
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
            'FER Clearing Price': '"FER Clearing Price"',
            'Reg Service Clearing Price': '"Reg Service Clearing Price"',
            'Reg Capacity Clearing Price': '"Reg Capacity Clearing Price"',
        },
        quantities={
            'TMSR Clearing Price': '"TMSR Designated MW"',
        },
        hourly="case when not " ~ has_column('Reserve Zone Name') ~ " and " ~ has_column('FER Clearing Price')
            ~ " then 'DA' else 'RT' end",
        may_be_shorter=has_column('Reserve Zone Name') ~ " or not " ~ has_column('FER Clearing Price')
    ) }}

)

select * from final
