select
    dataset,
    delivery_year,
    rows,
    series,
    strftime(first_interval, '%Y-%m-%d %H:%M') as first_interval,
    strftime(last_interval, '%Y-%m-%d %H:%M') as last_interval,
    missing_intervals,
    bytes,
    unchecked_reports
from quality_files
order by
    dataset,
    delivery_year
