{#- Prices of a report of hours. Reports of zones and of generators, day-ahead and in real time, have the same columns. -#}
{% macro nyiso_hourly_lbmps(rows, five_minute_report, zones=none) %}
    with typed as (

        {{ nyiso_lbmp_rows(rows) }}

    ),

    passes as (

        {{ with_pass_by_order(
            'typed',
            iso='nyiso',
            location='settlement_location_id',
            listed_by='settlement_location',
            column='Time Stamp',
            local='local_stamp'
        ) }}

    ),

    clocked as (

        {{ with_utc(
            'passes',
            iso='nyiso',
            column='Time Stamp',
            local='local_stamp',
            five_minute_report=five_minute_report
        ) }}

    )

    {{ nyiso_lbmp_prices('clocked', zones=zones) }}
{% endmacro %}


{#- Prices of a report of dispatch runs. -#}
{% macro nyiso_dispatch_lbmps(rows, hourly_report, zones=none) %}
    with typed as (

        {{ nyiso_lbmp_rows(rows) }}

    ),

    passes as (

        {{ with_pass_by_order(
            'typed',
            iso='nyiso',
            location='settlement_location_id',
            listed_by='settlement_location',
            column='Time Stamp',
            minutes=5,
            local='local_stamp'
        ) }}

    ),

    clocked as (

        {{ with_utc(
            'passes',
            iso='nyiso',
            column='Time Stamp',
            minutes=1/60,
            local='local_stamp',
            instant='interval_end_utc'
        ) }}

    ),

    stamps as (

        {{ nyiso_stamps_of_files('clocked', location='settlement_location_id') }}

    ),

    runs as (

        {{ nyiso_dispatch_intervals(
            'clocked',
            'stamps',
            hourly_report=hourly_report,
            location='settlement_location_id'
        ) }}

    ),

    prices as (

        {{ nyiso_lbmp_prices('runs', of_dispatch_runs=true, zones=zones) }}

    )

    {{ nyiso_settled_prices('prices', 'runs') }}
{% endmacro %}


{% macro nyiso_lbmp_rows(source) %}
    {%- set zone = "select time_zone from " ~ ref('markets') ~ " where iso = 'nyiso'" %}
    select
        raw_file,
        raw_row,
        raw_fault,
        raw_lacks,
        -- A stamp with an offset or with a mark beside it says which pass it is of, so that the order of rows need not.
        case
            when raw_instant is not null
                then
                    {{ is_repeated_hour('"Time Stamp"', "(" ~ zone ~ ")") }}
                    and raw_instant = {{ second_pass_to_utc('"Time Stamp"', "(" ~ zone ~ ")") }}
            when {{ trimmed('"Time Zone"') }} is not null
                then
                    {{ is_repeated_hour('"Time Stamp"', "(" ~ zone ~ ")") }}
                    and upper({{ trimmed('"Time Zone"') }}) = 'EST'
        end as told_pass,
        upper({{ trimmed('"Time Zone"') }}) as time_mark,
        "Time Stamp" as local_stamp,
        case
            when {{ has_column('Name') }} then {{ trimmed('"Name"') }}
            else {{ published_id('"PTID"') }}
        end as settlement_location,
        case
            when {{ has_column('PTID') }} then {{ published_id('"PTID"') }}
            else {{ trimmed('"Name"') }}
        end as settlement_location_id,
        "LBMP ($/MWHr)" as lbmp,
        "Marginal Cost Losses ($/MWHr)" as losses,
        "Marginal Cost Congestion ($/MWHr)" as published_congestion,
        coalesce("Price Version", 1)::uinteger as version
    from {{ source }}
{% endmacro %}


{#- A list has a generator once; of several lists, which tell no day, the last zone in the alphabet counts. -#}
{% macro nyiso_zones_of_generators(generators) %}
    select
        {{ published_id('ptid') }} as settlement_location_id,
        max({{ trimmed('zone') }}) as zone
    from {{ generators }}
    group by 1
{% endmacro %}


{% macro nyiso_lbmp_prices(rows, of_dispatch_runs=false, zones=none) %}
    select
        lbmp_rows.raw_file,
        lbmp_rows.raw_row,
        1::utinyint as raw_lines,
        lbmp_rows.interval_start_utc,
        {%- if of_dispatch_runs %}
        lbmp_rows.interval_end_utc,
        {%- endif %}
        case
            when {{ has_column('Name') }} then lbmp_rows.settlement_location
            else coalesce(locations.settlement_location, lbmp_rows.settlement_location)
        end as settlement_location,
        types.settlement_location_type,
        coalesce(named.settlement_location_id, lbmp_rows.settlement_location_id) as settlement_location_id,
        {{ 'zones.zone' if zones else 'null::varchar as zone' }},
        null::double as voltage_kv,
        lbmp_rows.lbmp as lmp_total,
        round(lbmp_rows.lbmp - lbmp_rows.losses + lbmp_rows.published_congestion, 2) as lmp_energy,
        0.0 - lbmp_rows.published_congestion as lmp_congestion,
        lbmp_rows.losses as lmp_loss,
        lbmp_rows.version,
        case
            when lbmp_rows.raw_fault is not null then lbmp_rows.raw_fault
            when lbmp_rows.clock_error is not null then lbmp_rows.clock_error
            {%- if of_dispatch_runs %}
            when lbmp_rows.report_error is not null then lbmp_rows.report_error
            when lbmp_rows.is_advisory then 'filtered: advisory price ahead of dispatch'
            {%- endif %}
            when lbmp_rows.interval_start_utc is null then 'rejected: no Time Stamp'
            when lbmp_rows.settlement_location_id is null then 'rejected: no PTID'
            {{- id_fault('PTID', 'lbmp_rows.settlement_location_id') }}
            when lbmp_rows.settlement_location is null then 'rejected: no Name'
            when lbmp_rows.pass_error is not null then lbmp_rows.pass_error
            {{- nyiso_mark_faults(
                'lbmp_rows.time_mark',
                'lbmp_rows.local_stamp',
                'lbmp_rows.interval_' ~ ('end' if of_dispatch_runs else 'start') ~ '_utc'
            ) }}
            {{- price_faults({'LBMP': 'lbmp_rows.lbmp'}) }}
            {{- price_faults({
                'Marginal Cost Losses': 'lbmp_rows.losses',
                'Marginal Cost Congestion': 'lbmp_rows.published_congestion',
            }, wanted={
                'Marginal Cost Losses': 'Marginal Cost Losses ($/MWHr)',
                'Marginal Cost Congestion': 'Marginal Cost Congestion ($/MWHr)',
            }) }}
            {{- price_faults({
                'LBMP less its losses and congestion': 'lbmp_rows.lbmp - lbmp_rows.losses + lbmp_rows.published_congestion',
            }, nullable=true) }}
        end as set_aside
    from {{ rows }} as lbmp_rows
    left join {{ ref('locations') }} as locations
        on locations.iso = 'nyiso'
        and lbmp_rows.settlement_location_id = locations.settlement_location_id
    -- Where the file has no numbers, the location is looked up by its name.
    left join {{ ref('locations') }} as named
        on named.iso = 'nyiso'
        and not {{ has_column('PTID') }}
        and lbmp_rows.settlement_location_id = named.settlement_location
    left join {{ ref('location_types') }} as types
        on types.iso = 'nyiso'
        and types.published_type = coalesce(locations.published_type, named.published_type, '*')
    {%- if zones %}
    left join {{ zones }} as zones
        on lbmp_rows.settlement_location_id = zones.settlement_location_id
    {%- endif %}
{% endmacro %}


{#- What the few stamps of each file tell of it: whether it is of an hourly report, whether it lacks the last stamp of its
    last day, and which of its stamps are advisory. Those are the quarter-hours in steps of 15 minutes at the end of a
    file that lacks it. -#}
{% macro nyiso_stamps_of_files(rows, location) %}
    select
        *,
        {{ nyiso_run_before('interval_end_utc', among='is_of_several_locations and not is_advisory') }} as run_ended_before
    from (
        select
            raw_file,
            interval_end_utc,
            is_of_several_locations,
            is_unfinished,
            is_hourly,
            is_unfinished
            and coalesce(next_step, step, 0) = 15
            and count(*) filter (where {{ off_grid('interval_end_utc', 15) }} or next_step <> 15) over (
                partition by raw_file
                order by interval_end_utc desc
            ) = 0 as is_advisory
        from (
            select
                raw_file,
                interval_end_utc,
                is_of_several_locations,
                {{ off_grid('max(local_stamp) over of_file', 1440) }} as is_unfinished,
                count(*) over of_file > 1
                and not bool_or({{ off_grid('local_stamp', 60) }}) over of_file as is_hourly,
                date_diff('second', lag(interval_end_utc) over in_order, interval_end_utc) / 60 as step,
                date_diff('second', interval_end_utc, lead(interval_end_utc) over in_order) / 60 as next_step
            from (
                select
                    raw_file,
                    interval_end_utc,
                    local_stamp,
                    coalesce(min({{ location }}) <> max({{ location }}), false) as is_of_several_locations
                from {{ rows }}
                where interval_end_utc is not null and clock_error is null and pass_error is null
                group by
                    raw_file,
                    interval_end_utc,
                    local_stamp
            ) as stamps
            window
                of_file as (partition by raw_file),
                in_order as (
                    partition by raw_file
                    order by interval_end_utc
                )
        ) as steps
    ) as stamps_of_files
{% endmacro %}


{#- End of the run before, among those that are surely one. A run has a price at each location, so where several of them
    have its stamp, a location without it has lost its line, such as one that was rejected. The stamp of a single location
    may be a wrong one, and counts there alone. -#}
{% macro nyiso_run_before(ended, among) %}
    max(case when {{ among }} then {{ ended }} end) over (
            order by {{ ended }}
            groups between unbounded preceding and 1 preceding
        )
{%- endmacro %}


{% macro nyiso_start_of_run(ended, ended_before) %}
    case
            when {{ ended_before }} >= {{ plus_minutes(ended, -7) }} then {{ ended_before }}
            else greatest({{ plus_minutes(ended, -5) }}, {{ nyiso_midnight_before(ended) }})
        end
{%- endmacro %}


{#- The last run of each day ends at midnight, so that no run begins on the day before unless one is known to have ended
    there. -#}
{% macro nyiso_midnight_before(ended) %}
    {%- set zone = "(select time_zone from " ~ ref('markets') ~ " where iso = 'nyiso')" -%}
    {{ second_pass_to_utc(
        "date_trunc('day', " ~ to_local(ended ~ " - interval 1 second", zone) ~ ")",
        zone
    ) }}
{%- endmacro %}


{#- Rows of dispatch runs have run_end_utc, and start where the run before them ended; others keep their interval. -#}
{% macro nyiso_runs_by_end(rows, location) %}
    select
        runs.* exclude (ended_before) replace (
            case
                when runs.run_end_utc is null then runs.interval_start_utc
                else {{ nyiso_start_of_run('runs.run_end_utc', 'greatest(runs.ended_before, stamps.run_ended_before)') }}
            end as interval_start_utc,
            coalesce(
                runs.run_end_utc, {{ plus_minutes('runs.interval_start_utc', 'runs.interval_minutes') }}
            ) as interval_end_utc
        )
    from (
        select
            *,
            max(run_end_utc) over (
                partition by {{ location }}
                order by run_end_utc
                groups between 1 preceding and 1 preceding
            ) as ended_before
        from {{ rows }}
    ) as runs
    left join (
        select
            run_end_utc,
            {{ nyiso_run_before('run_end_utc', among='is_of_several_locations') }} as run_ended_before
        from (
            select
                run_end_utc,
                coalesce(min({{ location }}) <> max({{ location }}), false) as is_of_several_locations
            from {{ rows }}
            where run_end_utc is not null
            group by run_end_utc
        ) as ends
    ) as stamps on runs.run_end_utc = stamps.run_end_utc
{% endmacro %}


{#- Stamps at which intervals end become intervals. One starts where the run before it ended, whatever file that is in, if
    it is at most seven minutes back. -#}
{% macro nyiso_dispatch_intervals(rows, stamps, hourly_report, location) %}
    select
        *,
        {{ nyiso_start_of_run('interval_end_utc', 'greatest(ended_before, run_ended_before)') }} as interval_start_utc
    from (
        select
            *,
            -- Two rows of one stamp stand beside each other, and both start where the stamp before them is.
            max(interval_end_utc) over (
                partition by
                    {{ location }},
                    is_dispatched
                order by interval_end_utc
                groups between 1 preceding and 1 preceding
            ) as ended_before
        from (
            select
                ended.*,
                coalesce(stamps.is_unfinished, false) as is_unfinished,
                coalesce(stamps.is_advisory, false) as is_advisory,
                not coalesce(stamps.is_advisory, true) as is_dispatched,
                case when not stamps.is_advisory then stamps.run_ended_before end as run_ended_before,
                case
                    when stamps.is_hourly
                        then {{ is_another_report("'all its stamps are on the hour'", hourly_report) }}
                end as report_error
            from {{ rows }} as ended
            left join {{ stamps }} as stamps
                on ended.raw_file = stamps.raw_file
                and ended.interval_end_utc = stamps.interval_end_utc
                and ended.clock_error is null
                and ended.pass_error is null
        ) as dispatched
    ) as runs
{% endmacro %}


{#- A file that was downloaded before its day was over gives way to one of the whole day, whatever their names. -#}
{% macro nyiso_settled_prices(prices, runs, series=['settlement_location_id'], values=none) %}
    {%- set values = values or ['lmp_total', 'lmp_congestion', 'lmp_loss'] %}
    select
        prices.* replace (
            case
                when prices.set_aside is not null or settled.interval_end_utc is null then prices.set_aside
                when row(prices.{{ values | join(', prices.') }}) is not distinct from settled.price
                    then 'merged: equal to the published row'
                else 'superseded: from before the day was over'
            end as set_aside
        )
    from {{ prices }} as prices
    left join (select distinct raw_file from {{ runs }} where is_unfinished) as early
        on prices.raw_file = early.raw_file
    left join (
        select
            {{ series | join(',\n            ') }},
            interval_end_utc,
            arg_max(row({{ values | join(', ') }}), row(raw_file, raw_row)) as price
        from {{ prices }}
        where set_aside is null
            and raw_file not in (select runs.raw_file from {{ runs }} as runs where runs.is_unfinished)
            and interval_end_utc in (select runs.interval_end_utc from {{ runs }} as runs where runs.is_unfinished)
        group by
            {{ series | join(',\n            ') }},
            interval_end_utc
    ) as settled
        on early.raw_file is not null
        {%- for column in series %}
        and prices.{{ column }} = settled.{{ column }}
        {%- endfor %}
        and prices.interval_end_utc = settled.interval_end_utc
{% endmacro %}
