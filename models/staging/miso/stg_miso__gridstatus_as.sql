-- MISO clearing prices of ancillary services in the shape the gridstatus library prints. One row per
-- product, reserve zone and interval.
-- Quirks: no column tells the market, nor whether prices are settled ones: the name of the file or of a
-- folder above it must, in the words of the library's method; ex-ante prices are left out; final prices
-- count as version 2. Products are not told apart by generation, demand and stored energy, as they are in
-- MISO's own files.
{% set products = {
    'Regulation': '"Regulation"',
    'Spin': '"Spin"',
    'Supplemental': '"Supplemental"',
    'STR': '"STR"',
    'Ramp Up': '"Ramp Up"',
    'Ramp Down': '"Ramp Down"',
} %}
with source as (

    select
        *,
        regexp_matches(file_name, '(?i)day[^a-z]?ahead') as is_day_ahead,
        regexp_matches(file_name, '(?i)real[^a-z]?time') as is_real_time,
        regexp_matches(file_name, '(?i)ex[^a-z]?ante') as is_ex_ante,
        regexp_matches(file_name, '(?i)ex[^a-z]?post') as is_ex_post,
        regexp_matches(file_name, '(?i)prelim') as is_preliminary,
        regexp_matches(file_name, '(?i)final') as is_final
    from {{ source('miso', 'gridstatus_as') }}

),

told as (

    select
        *,
        case
            when is_day_ahead = is_real_time or is_ex_ante = is_ex_post then null
            when is_day_ahead and is_ex_ante then 'DAY_AHEAD_HOURLY_EX_ANTE'
            when is_day_ahead then 'DAY_AHEAD_HOURLY_EX_POST'
            when is_ex_ante then 'REAL_TIME_5_MIN_EX_ANTE'
            when is_preliminary = is_final then null
            when is_final then 'REAL_TIME_HOURLY_EX_POST_FINAL'
            else 'REAL_TIME_HOURLY_EX_POST_PRELIM'
        end as told_market
    from source

),

typed as (

    {{ gridstatus_as_rows(
        'told',
        iso='miso',
        region=trimmed('"Zone"'),
        columns=products.keys() | list,
        market='told_market'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

-- Another price for an hour is of another market, and nothing tells of which.
merged_files as (

    {{ merged_files(
        'stepped',
        key=['as_region', 'interval_start_utc'],
        prices=products.values(),
        example="as_region || ' at ' || any_value(start_text order by raw_row)",
        where='time_error is null'
    ) }}

),

checked as (

    select
        stepped.*,
        merged_files.example
    from stepped
    left join merged_files on stepped.raw_file = merged_files.raw_file

),

final as (

    {{ gridstatus_as_prices(
        'checked',
        iso='miso',
        products=products,
        hourly='null::varchar',
        faults="
                when market_type is null
                    then 'refused: neither its columns nor its name tell the market of its prices: put the words of the '
                    || 'method that gave them into its name, such as day_ahead_ex_post or real_time_hourly_ex_post_final'
                when example is not null
                    then 'refused: has several prices for ' || example || ': rows of several markets seem to be merged '
                    || 'into it, and nothing tells the market of each. Keep a file for each market'"
    ) }}

)

select * from final
