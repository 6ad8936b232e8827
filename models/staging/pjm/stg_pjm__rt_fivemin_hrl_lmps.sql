-- PJM real-time five-minute LMPs, Data Miner feed rt_fivemin_hrl_lmps. One row per pnode, interval and
-- version. Quirks: those of the day-ahead feed; the header is that of the hourly real-time feed, so a file
-- all of whose stamps are on the hour is taken for one of that, unless it has a single stamp, which may be
-- of either; totals differ from the sum of their parts by rounding.
with source as (

    select * from {{ source('pjm', 'rt_fivemin_hrl_lmps') }}

),

typed as (

    {{ pjm_lmp_rows('source', market='rt') }}

),

-- Files are read once more for their stamps alone, because a window over all rows would hold them in
-- memory.
hourly_files as (

    {{ files_on_the_hour(source('pjm', 'rt_fivemin_hrl_lmps'), stamp='datetime_beginning_utc') }}

),

final as (

    {{ pjm_sound_lmps(
        'typed',
        market='rt',
        minutes=5,
        hourly_report='rt_hrl_lmps',
        hourly_files='hourly_files'
    ) }}

)

select * from final
