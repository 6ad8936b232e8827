-- Files to open, one row per layout, each list in the same order.
select
    iso || '/' || report as folder,
    any_value(column_names) as column_names,
    any_value(header_line) as header_line,
    any_value(timestamp_format) as timestamp_format,
    list(read_path order by data_source) as paths,
    list(number order by data_source) as numbers,
    list(report_date::varchar order by data_source) as dates,
    list(data_source order by data_source) as names
from files_to_open
group by
    iso,
    report,
    layout
order by
    iso,
    report,
    layout
