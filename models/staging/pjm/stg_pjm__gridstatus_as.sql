-- PJM results of the reserve and regulation markets in the shape the gridstatus library prints. One row
-- per locale, service and interval, and for regulation one more for each part of its price. Quirks: no
-- column tells the market. Real-time prices were hourly until September 2022 and are of five minutes since
-- October, when the day-ahead reserve markets began: an hour from then on is of the day-ahead market, one
-- before of real time. Regulation, and the columns of its parts, are of real time alone, so that hours of a
-- file that has them are what somebody has kept of five minutes.
{% set is_of_real_time = "coalesce(
    parts.has_parts or parts.\"Regulation Capability Clearing Price\" is not null
    or parts.\"Regulation Performance Clearing Price\" is not null, false
)" %}
with source as (

    select * from {{ source('pjm', 'gridstatus_as') }}

),

parts as (

    select
        *,
        {{ trimmed('locale') }} as region_word,
        {{ trimmed('"Service Type"') }} in ('REG', 'Regulation') as has_parts
    from source

),

regions as (

    select
        parts.*,
        case when parts.has_parts then parts."Regulation Capability Clearing Price" end as capability_price,
        case when parts.has_parts then parts."Regulation Performance Clearing Price" end as performance_price,
        bool_or({{ is_of_real_time }}) over (partition by parts.raw_file) as is_of_real_time,
        locales.as_region as locale_region
    from parts
    left join {{ ref('as_region_names') }} as locales
        on
            locales.iso = 'pjm'
            and parts.region_word = locales.published_region

),

typed as (

    {{ gridstatus_as_rows(
        'regions',
        iso='pjm',
        region='locale_region',
        columns=[
            'Service Type',
            'Market Clearing Price',
            'capability_price',
            'performance_price',
            'Total MW',
            'region_word',
            'is_of_real_time',
        ]
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

final as (

    {{ gridstatus_as_prices(
        'stepped',
        iso='pjm',
        products={
            'Market Clearing Price': '"Market Clearing Price"',
            'REG_CCP': 'capability_price',
            'REG_PCP': 'performance_price',
        },
        quantities={
            'Market Clearing Price': '"Total MW"',
        },
        hourly="case when interval_start_utc >= timestamptz '2022-10-01 04:00:00+00' then 'DA' else 'RT' end",
        words={'Market Clearing Price': trimmed('"Service Type"')},
        faults="
                when is_of_real_time and interval_minutes = 60
                    and interval_start_utc >= timestamptz '2022-10-01 04:00:00+00'
                    then 'refused: its prices of real time are an hour apart (' || start_column || ' ' || start_text
                    || '), where they are of five minutes since October 2022, so that nothing tells what they are of: '
                    || 'download it again with all intervals'" ~ pjm_region_faults('Locale'),
        may_be_shorter="interval_start_utc >= timestamptz '2022-10-01 04:00:00+00'"
    ) }}

)

select * from final
