{% set dataset = {
    'iso': 'nyiso',
    'market': 'RT',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_nyiso__rtlbmp_zone', 'stg_nyiso__rtlbmp_gen', 'stg_nyiso__gridstatus_lmp'],
    'of_several_markets': ['stg_nyiso__gridstatus_lmp'],
    'without_ids': ['stg_nyiso__rtlbmp_zone', 'stg_nyiso__rtlbmp_gen', 'stg_nyiso__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
