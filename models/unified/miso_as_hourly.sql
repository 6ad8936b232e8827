{% set dataset = {
    'iso': 'miso',
    'market': ['DA', 'RT'],
    'minutes': 60,
    'hourly': true,
    'staging': [
        'stg_miso__asm_expost_damcp',
        'stg_miso__asm_rtmcp_final',
        'stg_miso__asm_rtmcp_prelim',
        'stg_miso__gridstatus_as',
    ],
    'of_several_markets': ['stg_miso__gridstatus_as'],
} %}
{{ config(materialized='year_files', family='ancillary_services', **dataset) }}

{{ ancillary_services_from(**dataset) }}
