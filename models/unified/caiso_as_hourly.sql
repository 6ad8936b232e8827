{% set dataset = {
    'iso': 'caiso',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_caiso__prc_as', 'stg_caiso__gridstatus_as'],
    'of_several_markets': ['stg_caiso__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
