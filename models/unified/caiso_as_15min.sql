{% set dataset = {
    'iso': 'caiso',
    'market': 'RT',
    'minutes': 15,
    'staging': ['stg_caiso__prc_intvl_as', 'stg_caiso__gridstatus_as'],
    'of_several_markets': ['stg_caiso__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', part='month', **dataset) }}

{{ ancillary_services_from(**dataset) }}
