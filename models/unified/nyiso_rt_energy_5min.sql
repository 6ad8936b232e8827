{% set dataset = {
    'iso': 'nyiso',
    'market': 'RT',
    'minutes': 5,
    'hourly': false,
    'staging': ['stg_nyiso__realtime_zone', 'stg_nyiso__realtime_gen', 'stg_nyiso__gridstatus_lmp'],
    'of_several_markets': ['stg_nyiso__gridstatus_lmp'],
    'without_ids': ['stg_nyiso__realtime_zone', 'stg_nyiso__realtime_gen', 'stg_nyiso__gridstatus_lmp'],
    'own_ends': true,
} %}
-- The first interval of a day starts where the last one of the day before ended.
{{ config(materialized='year_files', family='energy_prices', reads_day_before=true, **dataset) }}

{{ energy_prices_from(**dataset) }}
