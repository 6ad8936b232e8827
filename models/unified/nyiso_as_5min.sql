{% set dataset = {
    'iso': 'nyiso',
    'market': 'RT',
    'minutes': 5,
    'hourly': false,
    'staging': ['stg_nyiso__rtasp', 'stg_nyiso__gridstatus_as'],
    'of_several_markets': ['stg_nyiso__gridstatus_as'],
    'own_ends': true,
} %}
-- The first interval of a day starts where the last one of the day before ended.
{{ config(
    materialized='year_files',
    family='ancillary_services',
    reads_day_before=true,
    part='month',
    **dataset
) }}

{{ ancillary_services_from(**dataset) }}
