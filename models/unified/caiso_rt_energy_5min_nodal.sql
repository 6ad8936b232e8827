{% set dataset = {
    'iso': 'caiso',
    'market': 'RT',
    'minutes': 5,
    'hourly': false,
    'staging': ['stg_caiso__prc_intvl_lmp', 'stg_caiso__gridstatus_lmp'],
    'of_several_markets': ['stg_caiso__gridstatus_lmp'],
} %}
{{ config(
    materialized='year_files',
    family='energy_prices',
    greenhouse_gas=['stg_caiso__prc_intvl_lmp', 'stg_caiso__gridstatus_lmp'],
    **dataset
) }}

{{ energy_prices_from(**dataset) }}
