insert into inventory.new_parts
select
    $model as model,
    $part as part,
    $year as year,
    $digest as digest,
    $fingerprint as fingerprint,
    (select metadata.num_rows from parquet_file_metadata($file) as metadata) as rows,
    (select metadata.num_row_groups from parquet_file_metadata($file) as metadata) as row_groups,
    coalesce(min(datetime_utc), $first_instant::timestamptz) as first_interval,
    coalesce(max(datetime_utc), $first_instant::timestamptz) as last_interval,
    $file as path
from read_parquet($file, hive_partitioning = false)
returning rows
