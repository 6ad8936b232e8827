{% set dataset = {
    'iso': 'isone',
    'market': ['DA', 'RT'],
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_isone__daasreservedata', 'stg_isone__smd_hourly_as', 'stg_isone__gridstatus_as'],
    'of_several_markets': ['stg_isone__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
