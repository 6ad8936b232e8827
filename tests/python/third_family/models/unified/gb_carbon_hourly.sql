{% set dataset = {'iso': 'gb', 'market': ['DA', 'RT'], 'minutes': 60, 'hourly': true, 'staging': ['stg_gb__carbon']} %}
{{ config(materialized='year_files', family='carbon_intensities', **dataset) }}

{{ carbon_intensities_from(**dataset) }}
