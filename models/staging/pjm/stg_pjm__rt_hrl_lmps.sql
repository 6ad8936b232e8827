-- PJM real-time hourly LMPs, Data Miner feed rt_hrl_lmps. One row per pnode, hour and version.
-- Quirks: those of the day-ahead feed; a revised day comes whole, its first version no longer current, and
-- most of its prices are the same in both; the header is that of the five-minute feed, so a stamp off the
-- hour shows a file to be one of that; totals differ from the sum of their parts by rounding.
with source as (

    select * from {{ source('pjm', 'rt_hrl_lmps') }}

),

typed as (

    {{ pjm_lmp_rows('source', market='rt') }}

),

final as (

    {{ pjm_sound_lmps('typed', market='rt', minutes=60, five_minute_report='rt_fivemin_hrl_lmps') }}

)

select * from final
