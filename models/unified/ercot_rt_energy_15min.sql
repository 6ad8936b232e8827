{% set dataset = {
    'iso': 'ercot',
    'market': 'RT',
    'minutes': 15,
    'hourly': false,
    'staging': ['stg_ercot__np6_905_cd', 'stg_ercot__np6_785_er', 'stg_ercot__gridstatus_lmp'],
    'of_several_markets': ['stg_ercot__gridstatus_lmp'],
    'lambda_from': 'stg_ercot__np6_322_cd',
    'lambda_of_runs': true,
} %}
{{ config(materialized='year_files', family='energy_prices', components=false, **dataset) }}

{{ energy_prices_from(**dataset) }}
