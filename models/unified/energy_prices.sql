{{ config(meta={'family_union': true}) }}

-- Every published energy dataset, one row per settlement location, interval and market.
-- A dataset that is a subset of another one stays out: its rows are here already.
select * from {{ ref('pjm_da_energy_hourly_nodal') }}
union all
select * from {{ ref('pjm_rt_energy_hourly_nodal') }}
union all
select * from {{ ref('pjm_rt_energy_5min_nodal') }}
union all
select * from {{ ref('nyiso_da_energy_hourly') }}
union all
select * from {{ ref('nyiso_rt_energy_hourly') }}
union all
select * from {{ ref('nyiso_rt_energy_5min') }}
union all
select * from {{ ref('isone_da_energy_hourly') }}
union all
select * from {{ ref('isone_rt_energy_hourly') }}
union all
select * from {{ ref('isone_rt_energy_5min') }}
union all
select * from {{ ref('spp_da_energy_hourly') }}
union all
select * from {{ ref('spp_rt_energy_5min') }}
union all
select * from {{ ref('spp_rt_energy_hourly') }}
union all
select * from {{ ref('ercot_da_energy_hourly') }}
union all
select * from {{ ref('ercot_rt_energy_15min') }}
union all
select * from {{ ref('miso_da_energy_hourly_nodal') }}
union all
select * from {{ ref('miso_rt_energy_hourly_nodal') }}
union all
select * from {{ ref('miso_rt_energy_5min_nodal') }}
union all
select * from {{ ref('caiso_da_energy_hourly_nodal') }}
union all
select * from {{ ref('caiso_rt_energy_15min_nodal') }}
union all
select * from {{ ref('caiso_rt_energy_5min_nodal') }}
