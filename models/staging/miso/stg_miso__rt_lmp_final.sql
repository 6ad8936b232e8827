-- MISO real-time final LMPs, report rt_lmp_final. One row per node and hour. Quirks: those of the day-ahead
-- report; it has the title of the preliminary report, so that only folder and file name tell them apart, and
-- its prices replace those, so they are version 2.
with source as (

    select * from {{ source('miso', 'rt_lmp_final') }}

),

final as (

    {{ miso_hourly_lmps('source', version=2) }}

)

select * from final
