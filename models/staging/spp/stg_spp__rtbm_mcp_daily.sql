-- SPP real-time market clearing prices of operating reserve of a day, report RTBM-MCP-DAILY.
-- One row per product, reserve zone and five minutes. Quirks: those of the report by interval, which it
-- repeats.
with source as (

    select * from {{ source('spp', 'rtbm_mcp_daily') }}

),

final as (

    {{ spp_real_time_mcps('source') }}

)

select * from final
