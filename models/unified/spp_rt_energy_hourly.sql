-- Made of the five-minute prices, whose parts are days, so its parts are days too.
{% set dataset = {
    'iso': 'spp',
    'market': 'RT',
    'minutes': 60,
    'hourly': true,
    'means_of': 'spp_rt_energy_5min',
    'intervals': 12,
} %}
{{ config(materialized='year_files', family='energy_prices', part='day', **dataset) }}

{{ energy_means_from(**dataset) }}
