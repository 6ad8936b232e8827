{% set dataset = {
    'iso': 'spp',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_spp__da_lmp_sl', 'stg_spp__gridstatus_lmp'],
    'of_several_markets': ['stg_spp__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
