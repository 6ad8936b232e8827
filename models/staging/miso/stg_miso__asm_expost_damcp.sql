-- MISO day-ahead ex-post clearing prices of ancillary services, report asm_expost_damcp. One row per region,
-- product and hour. Quirks: the hours of a day are columns, in Eastern Standard Time all year, so every day
-- has 24; a table of all of MISO stands above one of nodes, whose lines are merged into their zones: where
-- those of a zone and product disagree in any hour, the rows of its day are rejected.
with source as (

    select * from {{ source('miso', 'asm_expost_damcp') }}

),

final as (

    {{ miso_hourly_mcps('source', market_type='DA', version=1) }}

)

select * from final
