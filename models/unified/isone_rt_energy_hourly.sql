{% set dataset = {
    'iso': 'isone',
    'market': 'RT',
    'minutes': 60,
    'hourly': true,
    'staging': [
        'stg_isone__lmp_rt_final',
        'stg_isone__lmp_rt_prelim',
        'stg_isone__smd_hourly_rt',
        'stg_isone__gridstatus_lmp',
    ],
    'of_several_markets': ['stg_isone__gridstatus_lmp'],
    'without_ids': ['stg_isone__lmp_rt_final', 'stg_isone__lmp_rt_prelim', 'stg_isone__gridstatus_lmp'],
    'names_from': ['stg_isone__ww_dalmp_iso'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
