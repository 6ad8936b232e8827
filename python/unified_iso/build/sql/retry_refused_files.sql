update inventory.raw_files as files
set
    refusal = null,
    refused_under = null
from readings
where
    files.iso = readings.iso
    and files.report = readings.report
    and (files.refused_under <> readings.reading or $full_refresh)
    and files.refused_under is not null
