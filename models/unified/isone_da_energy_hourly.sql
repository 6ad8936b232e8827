{{ config(materialized='year_files', iso='isone', market='DA', minutes=60) }}

{{ energy_prices_from([ref('stg_isone__ww_dalmp_iso'), ref('stg_isone__smd_hourly'), ref('stg_isone__gridstatus_lmp')]) }}
