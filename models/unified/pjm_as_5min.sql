{% set of_any_length = [
    'stg_pjm__ancillary_services',
    'stg_pjm__ancillary_services_fivemin_hrl',
    'stg_pjm__reserve_market_results',
    'stg_pjm__reg_prices',
    'stg_pjm__gridstatus_as',
] %}
{% set dataset = {
    'iso': 'pjm',
    'market': 'RT',
    'minutes': 5,
    'staging': of_any_length,
    'of_several_markets': of_any_length,
} %}
{{ config(materialized='year_files', family='ancillary_services', part='month', **dataset) }}

{{ ancillary_services_from(**dataset) }}
