select * from {{ ref('gb_carbon_hourly') }} where zone_name = 'North'
