-- The clocks of a year file: all rows share few of them, and what needs a calendar is asked of those.
create or replace temp table clocks as
select
    datetime_utc,
    datetime_local,
    interval_start_utc,
    interval_end_utc,
    delivery_date,
    delivery_hour,
    delivery_interval,
    interval_minutes,
    dst_flag,
    iso,
    count(*) as rows
from year_rows
group by all
