{#- Lines of a feed of ancillary services with their instant, and the clock of the market beside it. -#}
{% macro pjm_with_clock(rows) %}
    select
        prices.*,
        {{ believable(utc('prices.datetime_beginning_utc'), 'pjm') }} as interval_start_utc,
        prices.datetime_beginning_utc as utc_stamp,
        prices.datetime_beginning_ept as local_stamp,
        hours.behind_utc_us
    from {{ rows }} as prices
    left join ({{ market_hours('pjm') }}) as hours
        on epoch_us(prices.datetime_beginning_utc) // 3600000000 = hours.hour_number
{% endmacro %}


{#- The feeds that name services at length have one price in a line. -#}
{% macro pjm_services(source) %}
    select
        raw_file,
        raw_row,
        raw_fault,
        datetime_beginning_utc,
        datetime_beginning_ept,
        {{ trimmed('ancillary_service') }} as published_product,
        {{ trimmed('ancillary_service') }} as price_series,
        upper({{ trimmed('unit') }}) as price_unit,
        null::varchar as as_region,
        value as price,
        null::double as cleared_quantity_mw,
        case when {{ has_column('version_nbr') }} then version_nbr else 1 end::uinteger as version,
        1::utinyint as raw_lines
    from {{ source }}
{% endmacro %}


{#- Names of the other market refuse the whole file, because the headers are the same and its prices would be published
    as those of a market that they are not of. -#}
{% macro pjm_service_faults(names_elsewhere, elsewhere) %}
            {%- for beginning in names_elsewhere %}
            when published_product like '{{ beginning }} %'
                then {{ is_another_report("'it has the service ' || published_product", 'pjm/' ~ elsewhere) }}
            {%- endfor %}
            when price_unit = 'RATIO' then 'filtered: a ratio is no price'
            -- Regulation had a marginal benefits factor until 2025, of which no file was seen: its unit is not known.
            when published_product like '% Factor' then 'filtered: a factor is no price'
            when price_unit is null then 'rejected: no unit'
            when price_unit <> 'PRICE' then 'rejected: unit ' || price_unit || ' is neither Price nor Ratio'
            when version is null then 'rejected: no version_nbr'
            when price is null then 'filtered: no product has a price in this line'
{%- endmacro %}


{#- Real-time prices of a feed that names services at length. -#}
{% macro pjm_real_time_services(source, lone_minutes, shortened_at='null', hourly_report=none) %}
    with typed as (

        {{ pjm_services(source) }}

    ),

    clocked as (

        {{ pjm_with_clock('typed') }}

    ),

    measured as (

        {{ pjm_with_length('clocked', lone_minutes=lone_minutes, shortened_at=shortened_at) }}

    ),

    judged as (

        select
            *,
            'RT' as market,
            'RT' as market_type,
            case
            {{- pjm_length_faults(hourly_report=hourly_report) }}
            {{- pjm_service_faults(['PJM RTO', 'Mid-Atlantic/Dominion'], elsewhere='da_ancillary_services') }}
            end as fault
        from measured

    ),

    named as (

        {{ with_product_name('judged', iso='pjm') }}

    )

    {{ ancillary_prices('named', of_several_markets=true) }}
{% endmacro %}


{#- Megawatts stand beside the price of the service alone: those of its parts would be the same ones again. -#}
{% macro pjm_reserves(rows, capability='null::double', performance='null::double', megawatts='total_mw') %}
    select
        published.* replace (
            case published.published_product
                when 'MCP' then published.service_word
                else published.published_product
            end as published_product,
            regions.as_region as as_region
        ),
        published.region_word || ' ' || published.service_word as price_series
    from (
        {{ with_each_product(rows, prices={
            'MCP': 'mcp',
            'REG_CCP': capability,
            'REG_PCP': performance,
        }, quantities={'MCP': megawatts}) }}
    ) as published
    left join {{ ref('as_region_names') }} as regions
        on regions.iso = 'pjm' and published.region_word = regions.published_region
{% endmacro %}


{% macro pjm_region_faults(column) %}
            when as_region is null and region_word is not null
                then 'rejected: {{ column }} ' || region_word || ' is unknown: add it to the seed as_region_names'
{%- endmacro %}


{#- A feed may have turned from hours to five minutes, so each stamp is measured against those of its series and its file.
    A stamp off the hour is of five minutes. One on the hour is what its nearest neighbour in the series makes it: that
    neighbour is an hour away, or less. A series with holes there follows the nearest stamp of the file. Of a file with a
    single stamp, `lone_minutes` is known from the feed, or nothing is.
    From `shortened_at` on all prices of the feed are of five minutes. A series that has several stamps since, all of them
    on the hour, has lost the others, or is of hours after all: nothing tells which. One stamp alone may be the end of an
    export of hours, which holds the first one of the next day. -#}
{% macro pjm_with_length(rows, lone_minutes='null', shortened_at='null') %}
    select
        timed.*,
        case
            when not lengths.is_of_five_minutes_alone or lengths.measured_minutes = 5 then lengths.measured_minutes
            when lengths.measured_minutes = 60 and not lengths.is_thinned then 5
        end as interval_minutes,
        coalesce(lengths.measured_minutes = 60 and lengths.is_thinned, false) as is_thinned,
        lengths.stamps_in_file,
        lengths.least_minutes_in_file
    from {{ rows }} as timed
    left join (
        select
            series.raw_file,
            series.price_series,
            series.interval_start_utc,
            files.stamps_in_file,
            coalesce(series.interval_start_utc >= {{ shortened_at }}, false) as is_of_five_minutes_alone,
            coalesce(
                series.interval_start_utc >= {{ shortened_at }}
                and not series.has_stamps_off_the_hour
                and files.stamps_beside_it > 1,
                false
            ) as is_thinned,
            case when files.has_stamps_off_the_hour then files.least_minutes_in_file end as least_minutes_in_file,
            case
                when {{ off_grid('series.interval_start_utc', 60) }} then 5
                when series.minutes_in_series = 60 then 60
                when files.minutes_in_file < 60 then 5
                when files.minutes_in_file = 60 then 60
                when files.stamps_in_file = 1 then {{ lone_minutes }}
                when not files.has_stamps_off_the_hour then 60
            end::utinyint as measured_minutes
        from (
            select
                *,
                {{ _minutes_to_nearest(['raw_file', 'price_series']) }} as minutes_in_series,
                bool_or({{ off_grid('interval_start_utc', 60) }}) over (
                    partition by raw_file, price_series, interval_start_utc >= {{ shortened_at }}
                ) as has_stamps_off_the_hour
            from (
                select distinct
                    raw_file,
                    price_series,
                    interval_start_utc
                from {{ rows }}
                where {{ _is_of_a_length() }}
            )
        ) as series
        inner join (
            select
                *,
                count(*) over (partition by raw_file) as stamps_in_file,
                count(*) over (partition by raw_file, interval_start_utc >= {{ shortened_at }}) as stamps_beside_it,
                min(minutes_in_file) over (partition by raw_file) as least_minutes_in_file,
                bool_or({{ off_grid('interval_start_utc', 60) }}) over (
                    partition by raw_file
                ) as has_stamps_off_the_hour
            from (
                select
                    *,
                    {{ _minutes_to_nearest(['raw_file']) }} as minutes_in_file
                from (
                    select distinct
                        raw_file,
                        interval_start_utc
                    from {{ rows }}
                    where {{ _is_of_a_length() }}
                )
            )
        ) as files
            on series.raw_file = files.raw_file
            and series.interval_start_utc = files.interval_start_utc
    ) as lengths
        on timed.raw_file = lengths.raw_file
        and timed.price_series is not distinct from lengths.price_series
        and timed.interval_start_utc = lengths.interval_start_utc
{% endmacro %}


{#- A stamp of neither length must not decide that of others. -#}
{% macro _is_of_a_length() %}
    interval_start_utc is not null and not {{ off_grid('interval_start_utc', 5) }}
{%- endmacro %}


{% macro _minutes_to_nearest(series) %}
    {%- set window = 'over (partition by ' ~ series | join(', ') ~ ' order by interval_start_utc)' -%}
    least(
        date_diff('minute', lag(interval_start_utc) {{ window }}, interval_start_utc),
        date_diff('minute', interval_start_utc, lead(interval_start_utc) {{ window }})
    )
{%- endmacro %}


{% macro pjm_stamp_faults() %}
            when interval_start_utc is null then {{ no_believable_time('datetime_beginning_utc', 'utc_stamp') }}
            {{- pjm_local_stamp_fault() }}
{%- endmacro %}


{#- What is wrong with the time of a row of pjm_with_length. -#}
{% macro pjm_length_faults(hourly_report=none) %}
            {{- pjm_stamp_faults() }}
            when is_thinned
                then 'refused: its prices of ' || coalesce(price_series, 'no service') || ' stand on the hour alone (datetime_beginning_utc '
                || utc_stamp || '), where this feed has them every five minutes, so that nothing tells what they are of: '
                || 'download it again with all intervals'
                {%- if hourly_report %} || ', or move it to {{ hourly_report }} if that is its feed'{% endif %}
            when {{ off_grid('utc_stamp', 5) }}
                then 'rejected: datetime_beginning_utc ' || utc_stamp || ' is not the start of 5 minutes'
            when least_minutes_in_file > 5
                then 'refused: its stamps are neither all on the hour nor five minutes apart: between two of them lie '
                || least_minutes_in_file || ' minutes or more'
            when interval_minutes is null and stamps_in_file = 1
                then 'refused: its one stamp (datetime_beginning_utc ' || utc_stamp || ') does not tell whether '
                || 'prices are of an hour or of five minutes: download it with the hours around it'
            when interval_minutes is null
                then 'rejected: no stamp near datetime_beginning_utc ' || utc_stamp || ' tells whether the price is of '
                || 'an hour or of five minutes'
{%- endmacro %}


{#- What is wrong with the time of a day-ahead row, all of which are hourly. -#}
{% macro pjm_hour_faults(five_minute_report) %}
            {{- pjm_stamp_faults() }}
            {{- pjm_off_hour_fault(five_minute_report) }}
{%- endmacro %}
