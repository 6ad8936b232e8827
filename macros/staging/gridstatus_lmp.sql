{% macro gridstatus_lmp_rows(
    source,
    iso,
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
        times.interval_start_utc,
        times.interval_end_utc,
        times.end_text,
        times.start_text,
        times.start_column,
        times.time_error,
        coalesce(prices.market_word, 'none') as market,
        words.market_type,
        words.longest_minutes,
        coalesce(nullif(words.left_out, ''), {{ left_out }}) as left_out,
        {{ trimmed(location) }} as settlement_location,
        {{ published_id(location_id) }} as settlement_location_id,
        coalesce({{ trimmed('prices."Location Type"') }}, 'none') as published_type,
        {{ trimmed(zone) }} as zone,
        null::double as voltage_kv,
        {{ price }} as lmp_total,
        {{ energy }} as lmp_energy,
        {{ congestion }} as lmp_congestion,
        {{ loss }} as lmp_loss,
        {% for name, expression in extras.items() %}
        {{ expression }} as {{ name }},
        {% endfor %}
        coalesce(words.version, 1)::uinteger as version
    from (
        select
            *,
            upper({{ trimmed('"Market"') }}) as market_word
        from {{ source }}
    ) as prices
    {{ gridstatus_times_and_words(source, iso) }}
{% endmacro %}


{#- What a row's times and its market's word mean, beside the rows `prices`. -#}
{% macro gridstatus_times_and_words(source, iso) %}
    left join ({{ gridstatus_times(source, iso) }}) as times
        on true
        {% for column, name in gridstatus_time_columns().items() %}
        and prices.{{ adapter.quote(name) }} is not distinct from times.{{ column }}_text
        {% endfor %}
    left join {{ ref('gridstatus_markets') }} as words on prices.market_word = words.market
{%- endmacro %}


{#- Each different time is read once and not once per row, because many rows share few times. -#}
{% macro gridstatus_times(source, iso) %}
    {%- set columns = gridstatus_time_columns() %}
    with rows_of_times as (

        select distinct
            {% for column, name in columns.items() %}
            {{ adapter.quote(name) }} as {{ column }}_text{{ ',' if not loop.last }}
            {% endfor %}
        from {{ source }}

    ),

    instants as (

        select
            cell,
            printed,
            {{ text_to_utc('printed') }} as instant,
            {{ has_utc_offset('printed') }} as has_offset
        from (
            select
                cell,
                {{ trimmed('cell') }} as printed
            from (
                {% for column in columns %}
                select {{ column }}_text as cell from rows_of_times{{ ' union' if not loop.last }}
                {% endfor %}
            ) as cells
        ) as texts

    ),

    told as (

        select
            rows_of_times.*,
            {% for column in columns %}
            {{ column }}_cells.printed as {{ column }}_printed,
            {{ column }}_cells.instant as {{ column }}_at,
            coalesce({{ column }}_cells.has_offset, false) as {{ column }}_has_offset,
            {% endfor %}
            case
                when utc_cells.printed is not null then 'utc'
                when local_cells.printed is null and bare_cells.printed is not null then 'bare'
                else 'local'
            end as start_from
        from rows_of_times
        {% for column in columns %}
        left join instants as {{ column }}_cells on rows_of_times.{{ column }}_text = {{ column }}_cells.cell
        {% endfor %}

    ),

    started as (

        select
            *,
            case
                {% for column in ('utc', 'local', 'bare') %}
                when start_from = '{{ column }}' then {{ column }}_at
                {% endfor %}
            end as printed_start,
            coalesce(utc_printed, local_printed, bare_printed) as start_text,
            coalesce(utc_end_printed, local_end_printed) as end_text,
            case
                {% for column in ('utc', 'local', 'bare') %}
                when start_from = '{{ column }}' then '{{ columns[column] }}'
                {% endfor %}
            end as start_column,
            case
                when utc_end_printed is not null then utc_end_at
                when local_end_has_offset then local_end_at
            end as interval_end_utc
        from told

    )

    select
        *,
        {{ believable('printed_start', iso) }} as interval_start_utc,
        case
            when start_text is null then 'rejected: no ' || start_column
            {% for column, name in columns.items() -%}
            when {{ column }}_printed is not null and {{ column }}_at is null
                then {{ stamp_fault(name, column ~ '_printed', column ~ '_at', is_day=false) }}
                {%- if not column.startswith('utc') %} || ', with its offset from UTC'{% endif %}
            {% endfor -%}
            when start_from <> 'utc' and printed_start is not null
                and not case when start_from = 'local' then local_has_offset else bare_has_offset end
                -- The whole file is refused, because a spreadsheet that lost one offset has lost all of them.
                then case
                    when start_text like '____-%' then 'rejected: ' || start_column || ' has no UTC offset'
                    else 'refused: has times without their offset from UTC (' || start_column || ' "'
                        || left(start_text, 40) || '"), as spreadsheets write them: download it again'
                end
            when {{ believable('printed_start', iso) }} is null
                then 'rejected: ' || start_column || ' ' || start_text
                || ' is before the first day of this market or more than 60 days ahead'
            when local_has_offset and local_at <> printed_start
                then 'rejected: Interval Start ' || local_printed || ' contradicts ' || start_column || ' ' || start_text
            when local_end_has_offset and local_end_at <> interval_end_utc
                then 'rejected: Interval End ' || local_end_printed || ' contradicts interval_end_utc ' || end_text
            -- The end of the interval is no contradiction, because some releases put it there.
            when bare_has_offset and bare_at <> printed_start and coalesce(bare_at <> interval_end_utc, true)
                then 'rejected: Time ' || bare_printed || ' contradicts ' || start_column || ' ' || start_text
        end as time_error
    from started
{% endmacro %}


{% macro gridstatus_time_columns() %}
    {{- return({
        'utc': 'interval_start_utc',
        'local': 'Interval Start',
        'bare': 'Time',
        'utc_end': 'interval_end_utc',
        'local_end': 'Interval End',
    }) -}}
{% endmacro %}


{% macro with_time_step(rows, is_off_grid='true') %}
    select
        measured.* replace (
            case
                when measured.time_error is not null then measured.time_error
                when {{ _minutes_to_end('measured') }} <> measured.interval_minutes
                    then 'rejected: Interval End ' || measured.end_text || ' is not ' || measured.interval_minutes
                    || ' minutes after ' || measured.start_column || ' ' || measured.start_text
                -- Steps are longer where somebody has kept some of the intervals, or the means of them.
                when measured.interval_minutes > measured.longest_minutes
                    then 'refused: its prices of ' || measured.market || ' are ' || measured.interval_minutes
                    || ' minutes apart, so that nothing tells what they are of: download it again with all intervals'
                when {{ off_grid('measured.interval_start_utc', 'measured.interval_minutes') }} and {{ is_off_grid }}
                    then 'rejected: ' || measured.start_column || ' ' || measured.start_text || ' is not the start of '
                    || measured.interval_minutes || ' minutes'
                when {{ off_grid('measured.interval_start_utc', 1/60) }}
                    then 'rejected: ' || measured.start_column || ' ' || measured.start_text || ' is not the start of a second'
            end as time_error
        )
    from (
        select
            stepped.*,
            coalesce(
                steps.minutes,
                case when {{ _minutes_to_end('stepped') }} in (5, 15, 60) then {{ _minutes_to_end('stepped') }} end
            )::utinyint as interval_minutes
        from {{ rows }} as stepped
        left join (
            -- The most common length counts, of equally common ones the shortest, because one odd time must not
            -- decide for all rows of its file.
            select
                raw_file,
                market,
                arg_max(minutes, 100 * steps - minutes) as minutes
            from (
                select
                    raw_file,
                    market,
                    case
                        when seconds <= 300 then 5
                        when seconds in (900, 3600) then seconds // 60
                    end as minutes,
                    count(*) as steps
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
                group by all
            )
            where minutes is not null
            group by
                raw_file,
                market
        ) as steps
            on stepped.raw_file = steps.raw_file
            and stepped.market = steps.market
    ) as measured
{% endmacro %}


{% macro _minutes_to_end(rows) %}
    date_diff('second', {{ rows }}.interval_start_utc, {{ rows }}.interval_end_utc) / 60
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


{% macro with_listed_location(rows, listed, own_ends=false) %}
    select
        named.raw_file,
        named.raw_row,
        named.interval_start_utc,
        {%- if own_ends %}
        named.interval_end_utc,
        {%- endif %}
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
    -- A name that several locations share is left out, because it does not say which of them is meant.
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


{% macro gridstatus_lmp_prices(rows, price='LMP', extras={}, own_ends=false) %}
    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        {%- if own_ends %}
        interval_end_utc,
        {%- endif %}
        settlement_location,
        settlement_location_type,
        coalesce(settlement_location_id, settlement_location) as settlement_location_id,
        zone,
        voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        {% for extra in extras.values() %}
        {{ extra }},
        {% endfor %}
        market,
        market_type,
        interval_minutes,
        version,
        case
            when left_out is not null then 'filtered: ' || left_out
            when time_error is not null then time_error
            when market_type is null then 'rejected: the Market ' || market || ' is unknown'
            when settlement_location is null then 'rejected: no Location'
            {{- id_fault('Location Id', 'settlement_location_id') }}
            when lmp_total is null then 'rejected: no price'
            {{- price_faults({price: 'lmp_total'}) }}
            {{- price_faults({'Energy': 'lmp_energy', 'Congestion': 'lmp_congestion', 'Loss': 'lmp_loss'}, nullable=true) }}
            {{- price_faults(extras, nullable=true) }}
            when interval_minutes is null
                then 'rejected: neither the time step nor an Interval End tells the length of the interval'
        end as set_aside
    from {{ rows }}
{% endmacro %}
