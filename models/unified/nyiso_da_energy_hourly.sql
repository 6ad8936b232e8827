{% set dataset = {
    'iso': 'nyiso',
    'market': 'DA',
    'minutes': 60,
    'hourly': true,
    'staging': ['stg_nyiso__damlbmp_zone', 'stg_nyiso__damlbmp_gen', 'stg_nyiso__gridstatus_lmp'],
    'of_several_markets': ['stg_nyiso__gridstatus_lmp'],
    'without_ids': ['stg_nyiso__damlbmp_zone', 'stg_nyiso__damlbmp_gen', 'stg_nyiso__gridstatus_lmp'],
} %}
{{ config(materialized='year_files', family='energy_prices', **dataset) }}

{{ energy_prices_from(**dataset) }}
