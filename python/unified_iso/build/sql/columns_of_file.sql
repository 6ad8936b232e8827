-- Names of the columns of a Parquet file.
select list(name)
from parquet_schema($file)
