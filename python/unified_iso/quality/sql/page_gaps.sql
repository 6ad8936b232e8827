select
    dataset,
    market_type,
    state,
    first_day::varchar as first_day,
    last_day::varchar as last_day,
    days,
    lowest_share_covered,
    count(*) over () as gaps
from quality_gaps
order by
    days desc,
    lowest_share_covered asc,
    dataset asc,
    market_type asc,
    first_day asc
limit $most
