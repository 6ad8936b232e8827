-- How many rows of a year file each location has, in the order of their ids.
select
    settlement_location_id,
    count(*) as location_rows
from read_parquet([$path], hive_partitioning = false)
group by settlement_location_id
order by settlement_location_id
