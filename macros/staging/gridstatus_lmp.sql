{% macro gridstatus_lmp_rows(
    source,
    location='"Location"',
    location_id='null::varchar',
    zone='null::varchar',
    price='"LMP"',
    energy='"Energy"',
    congestion='"Congestion"',
    loss='"Loss"',
    left_out='null::varchar',
    extras={}
) %}
    select
        prices.raw_file,
        prices.raw_row,
        {{ text_to_utc('prices.start_text') }} as interval_start_utc,
        prices.end_text,
        prices.start_column,
        case
            when prices.start_text is null then 'rejected: no ' || prices.start_column
            when {{ text_to_utc('prices.start_text') }} is null
                then 'rejected: ' || prices.start_column || ' is no time'
            when prices.start_column <> 'interval_start_utc' and not {{ has_utc_offset('prices.start_text') }}
                then 'rejected: ' || prices.start_column || ' has no UTC offset'
        end as time_error,
        coalesce(prices.market, 'none') as market,
        words.market_type,
        coalesce(nullif(words.left_out, ''), {{ left_out }}) as left_out,
        nullif(trim({{ location }}), '') as settlement_location,
        -- A column of ids with gaps is printed as decimals.
        nullif(regexp_replace(trim({{ location_id }}), '[.]0$', ''), '') as settlement_location_id,
        coalesce(nullif(trim(prices."Location Type"), ''), 'none') as published_type,
        {{ zone }} as zone,
        null::double as voltage_kv,
        {{ price }} + 0.0 as lmp_total,
        {{ energy }} + 0.0 as lmp_energy,
        {{ congestion }} + 0.0 as lmp_congestion,
        {{ loss }} + 0.0 as lmp_loss,
        {% for name, expression in extras.items() %}
        {{ expression }} as {{ name }},
        {% endfor %}
        coalesce(words.version, 1)::uinteger as version
    from (
        select
            *,
            upper(trim("Market")) as market,
            coalesce("interval_start_utc", "Interval Start", "Time") as start_text,
            coalesce("interval_end_utc", "Interval End") as end_text,
            case
                when "interval_start_utc" is not null then 'interval_start_utc'
                when "Interval Start" is null and "Time" is not null then 'Time'
                else 'Interval Start'
            end as start_column
        from {{ source }}
    ) as prices
    left join {{ ref('gridstatus_markets') }} as words on prices.market = words.market
{% endmacro %}


{% macro with_time_step(rows) %}
    select
        stepped.*,
        case
            when steps.seconds <= 300 then 5
            when steps.seconds in (900, 3600) then steps.seconds // 60
            when {{ _seconds_to_end() }} in (300, 900, 3600) then {{ _seconds_to_end() }} // 60
        end::utinyint as interval_minutes
    from {{ rows }} as stepped
    left join (
        select
            raw_file,
            market,
            min(seconds) as seconds
        from (
            select
                raw_file,
                market,
                date_diff(
                    'second',
                    lag(interval_start_utc) over (
                        partition by raw_file, market
                        order by interval_start_utc
                    ),
                    interval_start_utc
                ) as seconds
            from (
                select distinct
                    raw_file,
                    market,
                    interval_start_utc
                from {{ rows }}
                where time_error is null
            )
        )
        group by
            raw_file,
            market
    ) as steps
        on stepped.raw_file = steps.raw_file
        and stepped.market = steps.market
{% endmacro %}


{% macro _seconds_to_end() %}
    date_diff('second', stepped.interval_start_utc, {{ text_to_utc('stepped.end_text') }})
{%- endmacro %}


{% macro seeded_locations(iso) %}
    select
        settlement_location,
        settlement_location_id,
        published_type,
        null::varchar as zone,
        null::double as voltage_kv
    from {{ ref('locations') }}
    where iso = '{{ iso }}'
{% endmacro %}


{% macro with_listed_location(rows, listed) %}
    select
        named.raw_file,
        named.raw_row,
        named.interval_start_utc,
        named.interval_minutes,
        named.time_error,
        named.market,
        named.market_type,
        named.left_out,
        coalesce(
            named.settlement_location,
            ids.settlement_location,
            named.settlement_location_id
        ) as settlement_location,
        coalesce(
            named.settlement_location_id,
            names.settlement_location_id,
            named.settlement_location
        ) as settlement_location_id,
        coalesce(ids.published_type, names.published_type, named.published_type) as published_type,
        coalesce(named.zone, ids.zone, names.zone) as zone,
        coalesce(ids.voltage_kv, names.voltage_kv) as voltage_kv,
        named.lmp_total,
        named.lmp_energy,
        named.lmp_congestion,
        named.lmp_loss,
        named.version
    from {{ rows }} as named
    left join (
        select
            settlement_location_id,
            max(settlement_location) as settlement_location,
            max(published_type) as published_type,
            max(zone) as zone,
            max(voltage_kv) as voltage_kv
        from {{ listed }}
        group by settlement_location_id
    ) as ids
        on named.settlement_location_id = ids.settlement_location_id
    -- A name that several locations share tells none of them.
    left join (
        select
            settlement_location,
            max(settlement_location_id) as settlement_location_id,
            max(published_type) as published_type,
            max(zone) as zone,
            max(voltage_kv) as voltage_kv
        from {{ listed }}
        group by settlement_location
        having count(distinct settlement_location_id) = 1
    ) as names
        on named.settlement_location_id is null
        and named.settlement_location = names.settlement_location
{% endmacro %}


{% macro gridstatus_lmp_prices(rows, extras=[]) %}
    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        coalesce(settlement_location_id, settlement_location) as settlement_location_id,
        zone,
        voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        {% for extra in extras %}
        {{ extra }},
        {% endfor %}
        market_type,
        interval_minutes,
        version,
        case
            when left_out is not null then 'filtered: ' || left_out
            when time_error is not null then time_error
            when market_type is null then 'rejected: the Market ' || market || ' is unknown'
            when settlement_location is null then 'rejected: no Location'
            when lmp_total is null then 'rejected: no price'
            when interval_minutes is null
                then 'rejected: neither the time step nor an Interval End tells the length of the interval'
        end as set_aside
    from {{ rows }}
{% endmacro %}
