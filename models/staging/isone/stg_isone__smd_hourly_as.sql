-- ISO-NE real-time hourly regulation prices, SMD workbook. One row per product and hour.
-- Quirks: those of its day-ahead prices, which stand beside them; only the sheet of the control area has
-- regulation prices. They are means of five-minute prices, so that they have more than two decimals, and
-- the noise of floats is rounded away at the tenth.
with source as (

    select * from {{ source('isone', 'smd_hourly') }}

),

hours as (

    {{ isone_smd_hours('source', '
        round(Reg_Service_Price, 10) as reg_service_price,
        round(Reg_Capacity_Price, 10) as reg_capacity_price', price='row(reg_service_price, reg_capacity_price)') }}

),

clocked as (

    select
        *,
        sheet as as_region,
        1::uinteger as version,
        case
            when sheet <> 'ISO NE CA' then 'filtered: only the sheet ISO NE CA has regulation prices'
            {{- isone_smd_faults() }}
        end as fault
    from hours

),

products as (

    {{ with_each_product('clocked', prices={
        'Reg_Service_Price': 'reg_service_price',
        'Reg_Capacity_Price': 'reg_capacity_price',
    }) }}

),

named as (

    {{ with_product_name('products', iso='isone') }}

),

final as (

    {{ ancillary_prices('named', market_type="'RT' as market_type", wide=true) }}

)

select * from final
