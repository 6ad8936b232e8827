-- Every published carbon intensity, one row per zone, hour and market.
select * from {{ ref('gb_carbon_hourly') }}
union all
select * from {{ ref('gb_carbon_blocks') }}
