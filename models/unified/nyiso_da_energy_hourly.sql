{{ config(materialized='year_files', iso='nyiso', market='DA', minutes=60) }}

{{ energy_prices_from([ref('stg_nyiso__damlbmp_zone'), ref('stg_nyiso__damlbmp_gen'), ref('stg_nyiso__gridstatus_lmp')]) }}
