-- What is published, one row per year file, as the manifest describes it.
select
    iso || ' ' || dataset as dataset,
    model,
    iso,
    family,
    year as delivery_year,
    path,
    rows,
    bytes,
    series,
    step_minutes,
    missing_intervals,
    first_interval,
    last_interval,
    unchecked_reports,
    sha256
from {{ source('inventory', 'published_files') }}
