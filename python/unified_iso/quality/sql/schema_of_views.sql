-- dbt may be told to put models into schemas of other names.
select
    schema_name,
    list(view_name order by view_name) as views,
    string_agg(sql, chr(10) order by view_name) as definitions
from duckdb_views()
where starts_with(view_name, 'quality_') and database_name = current_database()
group by schema_name
having list_contains(list(view_name), 'quality_datasets')
order by schema_name
