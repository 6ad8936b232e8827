{{ config(materialized='year_files', iso='miso', market='DA', minutes=60) }}

{{ energy_prices_from([ref('stg_miso__da_expost_lmp'), ref('stg_miso__gridstatus_lmp')]) }}
