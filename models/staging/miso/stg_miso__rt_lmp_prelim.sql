-- MISO real-time preliminary LMPs, report rt_lmp_prelim. One row per node and hour. Quirks: those of the
-- day-ahead report; it has the title of the final report, whose prices replace these: they are version 1.
with source as (

    select * from {{ source('miso', 'rt_lmp_prelim') }}

),

final as (

    {{ miso_hourly_lmps('source', version=1) }}

)

select * from final
