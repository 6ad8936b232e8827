{% set dataset = {
    'iso': 'pjm',
    'market': 'RT',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_pjm__rt_hrl_lmps', 'stg_pjm__gridstatus_lmp'],
    'of_several_markets': ['stg_pjm__gridstatus_lmp'],
    'without_ids': ['stg_pjm__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
