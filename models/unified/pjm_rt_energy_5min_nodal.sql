{{ config(materialized='year_files', iso='pjm', market='RT', minutes=5) }}

{{ energy_prices_from([ref('stg_pjm__rt_fivemin_hrl_lmps'), ref('stg_pjm__gridstatus_lmp')]) }}
