-- Rows that do not come after the row before them, in the order of the file: equal ones, and those that go
-- back. Without an order of its own the window streams, on one core.
with neighbours as (
    select
        sort_key,
        lag(sort_key) over () as key_before,
        row_number() over () as row_number_in_file
    from year_rows
)

select
    count(*) filter (where sort_key < key_before) as rows_back,
    min(row_number_in_file) filter (where sort_key < key_before) as first_backward,
    count(*) filter (where sort_key = key_before) as repeated,
    min(row_number_in_file) filter (where sort_key = key_before) as first_repeated,
    arg_min(sort_key::varchar, row_number_in_file) filter (where sort_key < key_before) as backward_key,
    arg_min(sort_key::varchar, row_number_in_file) filter (where sort_key = key_before) as repeated_key
from neighbours
