{% set dataset = {
    'iso': 'isone',
    'market': 'RT',
    'minutes': 5,
    'staging': ['stg_isone__fiveminreserveprice', 'stg_isone__gridstatus_as'],
    'of_several_markets': ['stg_isone__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', part='month', **dataset) }}

{{ ancillary_services_from(**dataset) }}
