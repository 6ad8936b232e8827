{% set dataset = {
    'iso': 'spp',
    'market': 'RT',
    'minutes': 5,
    'hourly': false,
    'staging': ['stg_spp__rtbm_mcp', 'stg_spp__rtbm_mcp_daily', 'stg_spp__gridstatus_as'],
    'of_several_markets': ['stg_spp__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
