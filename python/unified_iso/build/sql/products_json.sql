-- Ancillary services as the metadata files have them: one row per operator and product.
with series as (
    select
        iso,
        as_product,
        dataset,
        market_type,
        as_region,
        min(first_interval) as first_interval,
        max(last_interval) as last_interval,
        sum(rows)::bigint as rows
    from products_in_files
    group by all
),

products as (
    select
        iso,
        as_product,
        arg_max(as_product_standard, row(last_interval, as_product_standard)) as as_product_standard,
        list_sort(list(distinct unit)) as units,
        list_sort(list(distinct market_type)) as market_types,
        list_sort(list(distinct as_region)) as regions,
        list_sort(list(distinct dataset)) as datasets,
        min(first_interval) as first_interval,
        max(last_interval) as last_interval
    from products_in_files
    group by all
),

listed as (
    select
        iso,
        as_product,
        list(
            {
                dataset: dataset,
                market_type: market_type,
                as_region: as_region,
                first_interval: strftime(first_interval, '%Y-%m-%dT%H:%M:%SZ'),
                last_interval: strftime(last_interval, '%Y-%m-%dT%H:%M:%SZ'),
                rows: rows
            }
            order by dataset, market_type, as_region
        ) as series
    from series
    group by all
)

select
    products.iso,
    to_json({
        as_product: products.as_product,
        as_product_standard: products.as_product_standard,
        description: facts.description,
        type: facts.type,
        direction: facts.direction,
        required_duration_hours: facts.required_duration_hours::double,
        units: products.units,
        market_types: products.market_types,
        regions: products.regions,
        datasets: products.datasets,
        first_interval: strftime(products.first_interval, '%Y-%m-%dT%H:%M:%SZ'),
        last_interval: strftime(products.last_interval, '%Y-%m-%dT%H:%M:%SZ'),
        first_date: facts.first_date,
        last_date: facts.last_date,
        source: facts.source,
        series: listed.series
    })::varchar as line
from products
inner join listed on products.iso = listed.iso and products.as_product = listed.as_product
left join seed_as_products as facts on products.iso = facts.iso and products.as_product = facts.as_product
order by
    products.iso,
    products.as_product
