{% set dataset = {
    'iso': 'isone',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_isone__ww_dalmp_iso', 'stg_isone__smd_hourly', 'stg_isone__gridstatus_lmp'],
    'of_several_markets': ['stg_isone__gridstatus_lmp'],
    'without_ids': ['stg_isone__ww_dalmp_iso', 'stg_isone__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
