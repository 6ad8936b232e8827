-- Views and tables of the catalog that is being written, with their columns.
with relations as (
    select
        database_name,
        schema_name,
        view_name as relation_name,
        'view' as kind
    from duckdb_views()
    where not internal
    union all
    select
        database_name,
        schema_name,
        table_name as relation_name,
        'table' as kind
    from duckdb_tables()
    where not internal
)

select
    relations.schema_name,
    relations.relation_name,
    relations.kind,
    list(columns_of.column_name order by columns_of.column_index) as column_names
from relations
inner join duckdb_columns() as columns_of
    on
        relations.database_name = columns_of.database_name
        and relations.schema_name = columns_of.schema_name
        and relations.relation_name = columns_of.table_name
where relations.database_name = current_database()
group by all
order by all
