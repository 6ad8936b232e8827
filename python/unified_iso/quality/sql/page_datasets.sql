select
    dataset,
    files,
    rows,
    series,
    strftime(first_interval, '%Y-%m-%d %H:%M') as first_interval,
    strftime(last_interval, '%Y-%m-%d %H:%M') as last_interval,
    missing_intervals::bigint as missing_intervals,
    days,
    incomplete_days,
    missing_days,
    rejected_rows::bigint as rejected_rows,
    tests::bigint as tests,
    failed_tests::bigint as failed_tests,
    warned_tests::bigint as warned_tests,
    unpublished_years
from quality_datasets
order by dataset
