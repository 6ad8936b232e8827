{{ config(materialized='year_files', iso='pjm', market='DA', minutes=60, keep="settlement_location_type = 'HUB'") }}

{{ subset_of(ref('pjm_da_energy_hourly_nodal'), keep=config.get('keep')) }}
