-- ISO-NE real-time prices of the hub and the load zones, SMD workbook. One row per sheet and hour.
-- Quirks: those of its day-ahead prices, which stand beside them. A sheet that somebody saved without the
-- real-time columns has no price of this market.
with lines as (

    select * from {{ source('isone', 'smd_hourly') }}

),

files as (

    select
        raw_file,
        concat(
            '|',
            case when count(rt_lmp) = 0 then 'RT_LMP|' end,
            case when count(rt_ec) = 0 then 'RT_EC|' end,
            case when count(rt_cc) = 0 then 'RT_CC|' end,
            case when count(rt_mlc) = 0 then 'RT_MLC|' end
        ) as empty_columns
    from lines
    group by raw_file

),

source as (

    select lines.* replace (files.empty_columns as raw_lacks)
    from lines
    inner join files on lines.raw_file = files.raw_file

),

final as (

    {{ isone_smd_prices('source', market='RT') }}

)

select * from final
