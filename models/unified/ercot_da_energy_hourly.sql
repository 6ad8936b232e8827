{{ config(materialized='year_files', iso='ercot', market='DA', minutes=60, components=false) }}

{{ energy_prices_from(
    [ref('stg_ercot__np4_190_cd'), ref('stg_ercot__np4_180_er'), ref('stg_ercot__gridstatus_lmp')],
    lambda_from=ref('stg_ercot__np4_523_cd')
) }}
