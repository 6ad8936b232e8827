-- ISO-NE day-ahead prices of the hub and the load zones, SMD workbook. One row per sheet and hour.
-- Quirks: the sheet, or the name of a file saved from it, tells the location; numbers carry the noise
-- of floats. Labels from 2024 on are text, 02X the repeated hour, and the spring day's are 01, 03, 04:
-- the clock at the hour's end. Until 2023 they are 1 to 24 on both clock-change days too, which then
-- can't be told apart.
with source as (

    select * from {{ source('isone', 'smd_hourly') }}

),

final as (

    {{ isone_smd_prices('source', market='DA') }}

)

select * from final
