{% set subset_where = "settlement_location_type = 'HUB'" %}
{{ config(
    materialized='year_files',
    family='energy_prices',
    iso='pjm',
    market='RT',
    minutes=60,
    hourly=true,
    subset_where=subset_where
) }}

{#- Columns whose values the SQL of the dataset makes itself, so that its files have them as required. -#}
{% set filled = [
    'delivery_interval',
    'interval_minutes',
    'iso',
    'market_type',
    'dst_flag',
    'is_current',
] %}

{{ subset_of(ref('pjm_rt_energy_hourly_nodal'), 'energy_prices', subset_where, filled) }}
