-- Operators as the metadata have them: one row per operator of the seed `markets`.
with datasets as (
    select
        iso,
        list_sort(list_distinct(flatten(list(market_types)))) as market_types,
        list_sort(list(distinct interval_minutes)) as interval_minutes,
        list(
            {
                dataset: dataset,
                family: family,
                market_types: market_types,
                interval_minutes: interval_minutes,
                description: description
            }
            order by dataset
        ) as datasets
    from told_datasets
    group by iso
),

types as (
    select
        iso,
        list_sort(list(distinct settlement_location_type)) as location_types
    from seed_location_types
    group by iso
),

bounds as (
    select
        iso,
        list(
            {
                family: family,
                market_type: market_type,
                from_date: from_date,
                low: low::double,
                high: high::double,
                source: source
            }
            order by family, market_type, from_date
        ) as price_bounds
    from seed_price_bounds
    group by iso
)

select
    to_json({
        iso: upper(markets.iso),
        full_name: facts.full_name,
        time_zone: markets.time_zone,
        standard_utc_offset_hours: markets.standard_utc_offset_hours::bigint,
        offset_rule: facts.offset_rule,
        market_types: coalesce(datasets.market_types, []),
        interval_minutes: coalesce(datasets.interval_minutes, []),
        location_types: coalesce(types.location_types, []),
        states_served: string_split(facts.states, ' '),
        states_source: facts.states_source,
        currency: facts.currency,
        first_market_day: markets.first_delivery_date,
        first_market_day_source: markets.first_delivery_source,
        price_bounds: coalesce(bounds.price_bounds, []),
        terms_of_use: facts.terms_of_use,
        terms_of_use_link: facts.terms_of_use_link,
        links: {
            website: facts.website,
            prices: facts.prices_page
        },
        datasets: coalesce(datasets.datasets, [])
    })::varchar as line
from seed_markets as markets
left join seed_market_info as facts on markets.iso = facts.iso
left join datasets on markets.iso = datasets.iso
left join types on markets.iso = types.iso
left join bounds on markets.iso = bounds.iso
order by markets.iso
