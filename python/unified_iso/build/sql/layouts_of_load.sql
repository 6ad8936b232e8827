-- Files to read, one row per layout, and all location lists, whose rows have no number.
with files as (
    select
        iso,
        report,
        layout,
        column_names,
        header_line,
        timestamp_format,
        read_path,
        number,
        report_date,
        data_source
    from load_files
    union all
    select
        iso,
        report,
        layout,
        column_names,
        header_line,
        timestamp_format,
        read_path,
        0::uinteger as number,
        report_date,
        data_source
    from inventory.raw_files
    where
        list_contains($location_lists, iso || '/' || report)
        and refusal is null
        and is_present
)

select
    iso || '/' || report as folder,
    any_value(column_names) as column_names,
    any_value(header_line) as header_line,
    any_value(timestamp_format) as timestamp_format,
    list(read_path order by data_source) as paths,
    list(number order by data_source) as numbers,
    list(report_date::varchar order by data_source) as dates,
    list(data_source order by data_source) as names
from files
group by
    iso,
    report,
    layout
order by
    layout
