-- Definitions of the views that a dataset stands on.
select sql
from duckdb_views()
where list_contains($relations, database_name || '.' || schema_name || '.' || view_name)
order by
    schema_name,
    view_name
