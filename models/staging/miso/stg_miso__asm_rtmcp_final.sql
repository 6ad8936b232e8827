-- MISO real-time final clearing prices of ancillary services, report asm_rtmcp_final. One row per region,
-- product and hour. Quirks: those of the day-ahead report; it has the title of the preliminary report, whose
-- prices it replaces, so they are version 2.
with source as (

    select * from {{ source('miso', 'asm_rtmcp_final') }}

),

final as (

    {{ miso_hourly_mcps('source', market_type='RT', version=2) }}

)

select * from final
