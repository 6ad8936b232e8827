-- All nodes of a month are more than memory can sort, so a part is a day.
{% set dataset = {
    'iso': 'caiso',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_caiso__prc_lmp', 'stg_caiso__gridstatus_lmp'],
    'of_several_markets': ['stg_caiso__gridstatus_lmp'],
} %}
{{ config(
    materialized='year_files',
    family='energy_prices',
    greenhouse_gas=['stg_caiso__prc_lmp', 'stg_caiso__gridstatus_lmp'],
    part='day',
    **dataset
) }}

{{ energy_prices_from(**dataset) }}
