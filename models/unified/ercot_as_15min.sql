{% set dataset = {
    'iso': 'ercot',
    'market': 'RT',
    'minutes': 15,
    'staging': ['stg_ercot__np6_331_cd', 'stg_ercot__gridstatus_as'],
    'of_several_markets': ['stg_ercot__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', part='month', **dataset) }}

{{ ancillary_services_from(**dataset) }}
