{% set dataset = {
    'iso': 'miso',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_miso__da_expost_lmp', 'stg_miso__gridstatus_lmp'],
    'of_several_markets': ['stg_miso__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
