-- SPP prices of operating reserve in the shape the gridstatus library prints. One row per product, reserve
-- zone and interval. Quirks: no column tells the market, and an hour is of the day-ahead one; real-time
-- files name regulation service and mileage where day-ahead ones name regulation, so that hours of a file
-- that has them are what somebody has kept of five minutes.
with source as (

    select * from {{ source('spp', 'gridstatus_as') }}

),

typed as (

    {{ gridstatus_as_rows(
        'source',
        iso='spp',
        region=published_id('"Reserve Zone"'),
        columns=[
            'Reg Up',
            'Reg DN',
            'Reg Up Service',
            'Reg DN Service',
            'Reg Up Mile',
            'Reg DN Mile',
            'Ramp Up',
            'Ramp DN',
            'Spin',
            'Supp',
            'Unc Up',
        ]
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

final as (

    {{ gridstatus_as_prices(
        'stepped',
        iso='spp',
        products={
            'Reg Up': '"Reg Up"',
            'Reg DN': '"Reg DN"',
            'Reg Up Service': '"Reg Up Service"',
            'Reg DN Service': '"Reg DN Service"',
            'Reg Up Mile': '"Reg Up Mile"',
            'Reg DN Mile': '"Reg DN Mile"',
            'Ramp Up': '"Ramp Up"',
            'Ramp DN': '"Ramp DN"',
            'Spin': '"Spin"',
            'Supp': '"Supp"',
            'Unc Up': '"Unc Up"',
        },
        faults="
                when interval_minutes = 60
                    and count(
                        coalesce(\"Reg Up Service\", \"Reg DN Service\", \"Reg Up Mile\", \"Reg DN Mile\")
                    ) over (partition by raw_file) > 0
                    then 'refused: has real-time prices an hour apart (' || start_column || ' ' || start_text
                    || '), where they are of five minutes, so that nothing tells what they are of: '
                    || 'download it again with all intervals'"
    ) }}

)

select * from final
