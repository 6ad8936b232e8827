-- Lines that the reader threw out, but for those at the end that are no data lines.
insert into inventory.rejected_lines
select
    files.file_id,
    errors.line,
    errors.column_name,
    any_value(errors.error_message) as message
from reject_errors as errors
inner join reject_scans as scans on errors.scan_id = scans.scan_id and errors.file_id = scans.file_id
inner join load_files as files on scans.file_path = files.read_path
where files.trailer_line is null or errors.line < files.trailer_line
group by all
