-- What year files hold, with operator and dataset of each file: one row per file and location, or several
-- where it has had several names or the like, and one row per file and series of ancillary services.
create or replace temp view locations_in_files as
select
    files.iso,
    files.dataset,
    locations.* exclude (locations.path)
from inventory.seen_locations as locations
inner join inventory.asked_files as files on locations.path = files.path;

create or replace temp view products_in_files as
select
    files.iso,
    files.dataset,
    products.* exclude (products.path)
from inventory.seen_products as products
inner join inventory.asked_files as files on products.path = files.path
