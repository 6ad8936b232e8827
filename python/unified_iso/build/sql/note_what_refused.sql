update inventory.raw_files as files
set refused_under = readings.reading
from readings
where
    files.iso = readings.iso
    and files.report = readings.report
    and files.refusal is not null
    and files.refused_under is null
    and files.layout is not null
    and files.file_id in (
        select file_id from opened_files
        union all
        select file_id from files_refused
    )
