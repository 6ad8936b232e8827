{% set dataset = {
    'iso': 'spp',
    'market': 'RT',
    'minutes': 5,
    'hourly': false,
    'staging': ['stg_spp__rtbm_lmp_sl', 'stg_spp__rtbm_lmp_daily_sl', 'stg_spp__gridstatus_lmp'],
    'of_several_markets': ['stg_spp__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
