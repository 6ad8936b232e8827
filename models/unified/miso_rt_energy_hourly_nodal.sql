{% set dataset = {
    'iso': 'miso',
    'market': 'RT',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_miso__rt_lmp_final', 'stg_miso__rt_lmp_prelim', 'stg_miso__gridstatus_lmp'],
    'of_several_markets': ['stg_miso__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
