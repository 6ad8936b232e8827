-- All usable files that are present, one row per layout, numbered by precedence.
select
    iso || '/' || report as folder,
    any_value(column_names) as column_names,
    any_value(header_line) as header_line,
    any_value(timestamp_format) as timestamp_format,
    list(read_path order by data_source) as paths,
    list(place order by data_source) as numbers,
    list(report_date::varchar order by data_source) as dates,
    list(data_source order by data_source) as names
from inventory.files_in_order
group by
    iso,
    report,
    layout
order by
    iso,
    report,
    layout
