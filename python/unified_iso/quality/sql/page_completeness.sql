select
    dataset,
    market_type,
    period,
    first_day::varchar as first_day,
    days,
    complete_days,
    incomplete_days,
    missing_days,
    share_covered,
    state
from quality_completeness
order by
    dataset,
    market_type,
    first_day
