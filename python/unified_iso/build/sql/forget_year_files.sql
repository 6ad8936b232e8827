delete from inventory.year_files
where (year_files.model, year_files.year) not in (
    select (parts.model, parts.year) from inventory.parts
)
