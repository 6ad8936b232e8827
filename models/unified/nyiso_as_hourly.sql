{% set dataset = {
    'iso': 'nyiso',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_nyiso__damasp', 'stg_nyiso__gridstatus_as'],
    'of_several_markets': ['stg_nyiso__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
