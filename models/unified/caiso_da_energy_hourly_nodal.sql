-- All nodes of a month are more than memory can sort, so a part is a day.
{{ config(materialized='year_files', iso='caiso', market='DA', minutes=60, part='day') }}

{{ energy_prices_from([ref('stg_caiso__prc_lmp'), ref('stg_caiso__gridstatus_lmp')]) }}
