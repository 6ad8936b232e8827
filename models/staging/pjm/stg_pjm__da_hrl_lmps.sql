-- PJM day-ahead hourly LMPs, Data Miner feed da_hrl_lmps. One row per pnode, hour and version.
-- Quirks: the UTC column is the clock (the EPT column repeats an hour in the fall without a mark, and is a
-- check); voltage is text with a unit; pnode_name is not unique, pnode_id is; blank zone, voltage and
-- equipment for hubs, zones and other aggregates; a revised hour comes again with a higher version.
with source as (

    select * from {{ source('pjm', 'da_hrl_lmps') }}

),

typed as (

    {{ pjm_lmp_rows('source', market='da') }}

),

final as (

    {{ pjm_sound_lmps('typed', market='da', minutes=60) }}

)

select * from final
