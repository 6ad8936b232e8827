-- By what the rows of each report are read: the views of its staging models say everything that may refuse
-- a file.
create or replace temp table readings as
select
    views.iso,
    views.report,
    md5(string_agg(found.sql, ' ' order by found.view_name)) as reading
from views_of_reports as views
inner join duckdb_views() as found
    on views.view_name = found.database_name || '.' || found.schema_name || '.' || found.view_name
group by
    views.iso,
    views.report
