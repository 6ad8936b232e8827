-- MISO real-time preliminary clearing prices of ancillary services, report asm_rtmcp_prelim. One row per
-- region, product and hour. Quirks: those of the day-ahead report; the final report replaces these prices, so
-- they are version 1.
with source as (

    select * from {{ source('miso', 'asm_rtmcp_prelim') }}

),

final as (

    {{ miso_hourly_mcps('source', market_type='RT', version=1) }}

)

select * from final
