-- Reads every value once, so that a page that can't be decoded is found too.
select
    count(*) as count_of_rows,
    count(*) filter (where not isfinite(price)) as count_of_odd_prices,
    count(columns(* exclude (price, sort_key, grain_key, series_key, labels)))
from year_rows
