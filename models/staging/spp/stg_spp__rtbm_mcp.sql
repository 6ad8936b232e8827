-- SPP real-time market clearing prices of operating reserve, report RTBM-MCP. One row per product,
-- reserve zone and five minutes. Quirks: those of the day-ahead report, but the service and the mileage of
-- regulation have prices of their own, ramp stands before spin, a blank before RegDNMile, and the balancing
-- area last; a file is one interval, a day or a year.
with source as (

    select * from {{ source('spp', 'rtbm_mcp') }}

),

final as (

    {{ spp_real_time_mcps('source') }}

)

select * from final
