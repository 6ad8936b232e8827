-- What the files of the load hold, by delivery day, and how many lines were used.
create or replace temp table observed as
select
    files.file_id,
    timezone(markets.time_zone, counts.interval_start_utc)::date as delivery_date,
    sum(counts.rows)::ubigint as rows,
    sum(counts.raw_lines)::ubigint as raw_lines
from load_counts as counts
inner join load_files as files on counts.raw_file = files.number
inner join inventory.markets as markets on markets.iso = $iso
group by all
