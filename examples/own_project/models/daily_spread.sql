-- What a battery of four hours earns a day at day-ahead prices, without losses: the mean of the four highest
-- hourly prices less that of the four lowest, in $/MWh. One row per operator, location and delivery day.
select
    iso,
    settlement_location_id,
    any_value(settlement_location) as settlement_location,
    delivery_date,
    count(*) as hours,
    list_avg(max(lmp_total, 4)) - list_avg(min(lmp_total, 4)) as spread
from {{ ref('unified_iso', 'energy_prices') }}
where market_type = 'DA' and interval_minutes = 60
group by
    iso,
    settlement_location_id,
    delivery_date
