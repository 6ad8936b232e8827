-- PJM real-time five-minute LMPs, Data Miner feed rt_fivemin_hrl_lmps. One row per pnode, interval and
-- version. Quirks: those of the day-ahead feed; the header is that of the hourly real-time feed, so only
-- the folder tells them apart; totals differ from the sum of their parts by rounding.
with source as (

    select * from {{ source('pjm', 'rt_fivemin_hrl_lmps') }}

),

typed as (

    {{ pjm_lmp_rows('source', market='rt') }}

),

final as (

    {{ pjm_sound_lmps('typed', market='rt', minutes=5) }}

)

select * from final
