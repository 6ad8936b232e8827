{{ config(materialized='year_files', iso='pjm', market='DA', minutes=60) }}

{{ energy_prices_from([ref('stg_pjm__da_hrl_lmps'), ref('stg_pjm__gridstatus_lmp')]) }}
