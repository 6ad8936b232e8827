-- What the rows of a file come to in any order: two files with other rows differ in it.
select
    count(*) as row_count,
    coalesce(sum(hash(year_file)::hugeint), 0) as sum_of_hashes,
    coalesce(bit_xor(hash(year_file)), 0) as xor_of_hashes
from read_parquet([$path], hive_partitioning = false) as year_file
