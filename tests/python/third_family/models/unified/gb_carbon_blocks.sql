{% set dataset = {'iso': 'gb', 'market': 'RT', 'minutes': 30, 'hourly': false, 'staging': ['stg_gb__blocks'], 'own_ends': true} %}
{{ config(materialized='year_files', family='carbon_intensities', **dataset) }}

{{ carbon_intensities_from(**dataset) }}
