-- SPP day-ahead market clearing prices of operating reserve, report DA-MCP. One row per product, reserve zone
-- and hour. Quirks: stamps are interval ends, and the UTC one is the clock; a column for each product, ramp
-- since 25 February 2022, empty for the first days, and uncertainty later; zones are numbers and names of
-- balancing areas.
with source as (

    select * from {{ source('spp', 'da_mcp') }}

),

typed as (

    {{ spp_mcp_rows('source', minutes=60) }}

),

judged as (

    {{ spp_judged_mcps('typed', minutes=60) }}

),

products as (

    {{ with_each_product('judged', prices={
        'RegUP': 'regup',
        'RegDN': 'regdn',
        'Spin': 'spin',
        'Supp': 'supp',
        'RampUP': 'rampup',
        'RampDN': 'rampdn',
        'UncUP': 'uncup',
    }) }}

),

named as (

    {{ with_product_name('products', iso='spp') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type", wide=true) }}

)

select * from final
