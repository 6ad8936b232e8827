{% set dataset = {
    'iso': 'ercot',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_ercot__np4_190_cd', 'stg_ercot__np4_180_er', 'stg_ercot__gridstatus_lmp'],
    'of_several_markets': ['stg_ercot__gridstatus_lmp'],
    'lambda_from': 'stg_ercot__np4_523_cd',
} %}
{{ config(materialized='year_files', family='energy_prices', components=false, **dataset) }}

{{ energy_prices_from(**dataset) }}
