-- Locations of a file whose name stands for their id.
select count(distinct settlement_location_id) as locations
from read_parquet($path, hive_partitioning = false)
where settlement_location_id = settlement_location
