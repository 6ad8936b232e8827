{{ config(meta={'family_union': true}) }}

-- Every published dataset of ancillary services, one row per product, region, interval and market.
select * from {{ ref('ercot_as_hourly') }}
union all
select * from {{ ref('pjm_as_hourly') }}
union all
select * from {{ ref('pjm_as_5min') }}
union all
select * from {{ ref('caiso_as_hourly') }}
union all
select * from {{ ref('caiso_as_15min') }}
union all
select * from {{ ref('miso_as_hourly') }}
union all
select * from {{ ref('nyiso_as_hourly') }}
union all
select * from {{ ref('nyiso_as_5min') }}
union all
select * from {{ ref('isone_as_hourly') }}
union all
select * from {{ ref('isone_as_5min') }}
union all
select * from {{ ref('spp_as_hourly') }}
union all
select * from {{ ref('spp_as_5min') }}
union all
select * from {{ ref('ercot_as_15min') }}
