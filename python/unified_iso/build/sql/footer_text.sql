-- A text in the key/value metadata of a Parquet file.
select decode(value) as footer_text
from parquet_kv_metadata($path)
where decode(key) = $key
