{% set dataset = {
    'iso': 'spp',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_spp__da_mcp', 'stg_spp__gridstatus_as'],
    'of_several_markets': ['stg_spp__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
