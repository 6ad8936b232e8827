{{ config(materialized='year_files', iso='spp', market='DA', minutes=60) }}

{{ energy_prices_from([ref('stg_spp__da_lmp_sl'), ref('stg_spp__gridstatus_lmp')]) }}
