{% set dataset = {
    'iso': 'ercot',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_ercot__np4_188_cd', 'stg_ercot__np4_181_er', 'stg_ercot__gridstatus_as'],
    'of_several_markets': ['stg_ercot__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
