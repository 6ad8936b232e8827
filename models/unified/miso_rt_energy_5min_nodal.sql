{% set dataset = {
    'iso': 'miso',
    'market': 'RT',
    'minutes': 5,
    'hourly': false,
    'staging': ['stg_miso__5min_lmp', 'stg_miso__gridstatus_lmp'],
    'of_several_markets': ['stg_miso__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
