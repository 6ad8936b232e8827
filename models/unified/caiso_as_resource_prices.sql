-- What a resource of CAISO receives for an ancillary service: the prices of all regions that it is in,
-- added up. One row per market, product, interval and region of resources.
with prices as (

    select
        datetime_utc,
        datetime_local,
        interval_end_utc,
        delivery_date,
        delivery_hour,
        interval_minutes,
        market_type,
        as_product,
        as_product_standard,
        as_region,
        market_clearing_price,
        unit
    from {{ ref('ancillary_services') }}
    where iso = 'CAISO'

),

parts as (

    select
        resource_region,
        as_region
    from {{ ref('as_region_parts') }}
    where iso = 'caiso'

),

known as (

    select distinct as_region
    from parts

),

-- A region that the seed does not know may be a part of the price of any resource.
offered as (

    select
        prices.datetime_utc,
        prices.interval_minutes,
        prices.market_type,
        prices.as_product,
        max(prices.datetime_local) as datetime_local,
        max(prices.interval_end_utc) as interval_end_utc,
        max(prices.delivery_date) as delivery_date,
        max(prices.delivery_hour) as delivery_hour,
        max(prices.as_product_standard) as as_product_standard,
        max(prices.unit) as unit,
        string_agg(prices.as_region, ', ' order by prices.as_region) filter (where known.as_region is null)
            as unknown_regions
    from prices
    left join known on prices.as_region = known.as_region
    group by
        prices.datetime_utc,
        prices.interval_minutes,
        prices.market_type,
        prices.as_product

),

summed as (

    select
        offered.datetime_utc,
        offered.interval_minutes,
        offered.market_type,
        offered.as_product,
        parts.resource_region,
        sum(prices.market_clearing_price) as sum_of_parts,
        string_agg(parts.as_region, ', ' order by parts.as_region) filter (where prices.as_region is null)
            as missing_regions
    from offered
    cross join parts
    left join prices
        on
            offered.datetime_utc = prices.datetime_utc
            and offered.interval_minutes = prices.interval_minutes
            and offered.market_type = prices.market_type
            and offered.as_product = prices.as_product
            and parts.as_region = prices.as_region
    group by
        offered.datetime_utc,
        offered.interval_minutes,
        offered.market_type,
        offered.as_product,
        parts.resource_region

)

select
    offered.datetime_utc,
    offered.interval_end_utc,
    offered.datetime_local,
    offered.delivery_date,
    offered.delivery_hour,
    offered.interval_minutes,
    offered.market_type,
    offered.as_product,
    offered.as_product_standard,
    summed.resource_region,
    -- Prices are published with five decimals at most.
    case
        when summed.missing_regions is null and offered.unknown_regions is null
            then round(summed.sum_of_parts, 5) + 0.0
    end as resource_price,
    offered.unit,
    summed.missing_regions,
    offered.unknown_regions
from summed
inner join offered
    on
        summed.datetime_utc = offered.datetime_utc
        and summed.interval_minutes = offered.interval_minutes
        and summed.market_type = offered.market_type
        and summed.as_product = offered.as_product
