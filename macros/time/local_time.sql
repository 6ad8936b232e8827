{% macro utc(timestamp) %}
    {{- return(adapter.dispatch('utc', 'unified_iso')(timestamp)) -}}
{% endmacro %}


{% macro duckdb__utc(timestamp) %}
    {#- This is no plain cast, because DuckDB pushes the cast of a csv column into its reader, which then forgets the
        stamp format. -#}
    make_timestamptz(epoch_us({{ timestamp }}))
{%- endmacro %}


{% macro plus_minutes(instant, minutes) %}
    {{- return(adapter.dispatch('plus_minutes', 'unified_iso')(instant, minutes)) -}}
{% endmacro %}


{% macro duckdb__plus_minutes(instant, minutes) %}
    {#- Microseconds are added, because adding an interval asks the calendar and takes ten times as long. -#}
    make_timestamptz(epoch_us({{ instant }}) + ({{ minutes }})::bigint * 60000000)
{%- endmacro %}


{% macro to_local(instant, time_zone) %}
    {{- return(adapter.dispatch('to_local', 'unified_iso')(instant, time_zone)) -}}
{% endmacro %}


{% macro duckdb__to_local(instant, time_zone) %}
    timezone({{ time_zone }}, {{ instant }})
{%- endmacro %}


{% macro second_pass_to_utc(local, time_zone) %}
    {{- return(adapter.dispatch('second_pass_to_utc', 'unified_iso')(local, time_zone)) -}}
{% endmacro %}


{% macro duckdb__second_pass_to_utc(local, time_zone) %}
    {#- DuckDB gives the second pass of a repeated hour and moves a missing hour on, in silence. -#}
    timezone({{ time_zone }}, {{ local }})
{%- endmacro %}


{% macro is_repeated_hour(local, time_zone) %}
    ({{ to_local(second_pass_to_utc(local, time_zone) ~ " - interval 1 hour", time_zone) }} = {{ local }})
{%- endmacro %}


{% macro is_missing_hour(local, time_zone) %}
    ({{ to_local(second_pass_to_utc(local, time_zone), time_zone) }} <> {{ local }})
{%- endmacro %}


{#- A stamp off the hour is a damaged line where the operator's real-time report has other columns than this one.
    Where it has the same, the caller names it as `five_minute_report`: a stamp off the hour then refuses the whole
    file, because its other stamps may well be on the hour. Stamps of a report without a grid, whose `minutes` are
    none, may be any. -#}
{% macro with_utc(
    rows,
    iso,
    column,
    minutes=60,
    local='local_start',
    second_pass='second_pass',
    five_minute_report=none,
    instant='interval_start_utc'
) %}
    {%- set length = length_in_words(minutes) %}
    select
        stamped.*,
        clock.instant as {{ instant }},
        clock.is_repeated,
        clock.clock_error
    from {{ rows }} as stamped
    left join (
        select
            instants.local_stamp,
            instants.is_second_pass,
            instants.is_repeated,
            {{ believable('instants.instant', iso) }} as instant,
            case
                when {{ believable('instants.instant', iso) }} is null
                    then {{ no_believable_time(column, 'instants.local_stamp') }}
                {%- if minutes %}
                when {{ off_grid('instants.local_stamp', minutes) }}
                    {%- if five_minute_report %}
                    then {{ is_another_report(
                        "'it has stamps off the hour (" ~ column ~ " ' || instants.local_stamp || ')'",
                        iso ~ '/' ~ five_minute_report
                    ) }}
                    {%- else %}
                    then 'rejected: {{ column }} ' || instants.local_stamp || ' is not the start of {{ length }}'
                    {%- endif %}
                {%- endif %}
                when instants.is_missing
                    then 'rejected: this hour does not exist on the spring clock-change day'
                when instants.is_second_pass and not instants.is_repeated
                    then 'rejected: marked as repeated, but this hour is not repeated'
            end as clock_error
        from (
            select
                stamps.*,
                {{ is_missing_hour('stamps.local_stamp', 'markets.time_zone') }} as is_missing,
                {{ is_repeated_hour('stamps.local_stamp', 'markets.time_zone') }} as is_repeated,
                case
                    when not stamps.is_second_pass
                        and {{ is_repeated_hour('stamps.local_stamp', 'markets.time_zone') }}
                        then {{ second_pass_to_utc('stamps.local_stamp', 'markets.time_zone') }} - interval 1 hour
                    else {{ second_pass_to_utc('stamps.local_stamp', 'markets.time_zone') }}
                end as instant
            from (
                select distinct
                    {{ local }} as local_stamp,
                    {{ second_pass }} as is_second_pass
                from {{ rows }}
            ) as stamps
            inner join {{ ref('markets') }} as markets on markets.iso = '{{ iso }}'
        ) as instants
    ) as clock
        on stamped.{{ local }} = clock.local_stamp
        and stamped.{{ second_pass }} = clock.is_second_pass
{% endmacro %}


{#- A report that marks the second pass may have lost its marks, as by a tool that made 02 of 02X. The second of two rows
    would pass for a correction of the first then. Where they have one price, it is right whichever of them stands. -#}
{% macro with_lost_marks(rows, price, series=none, error='clock_error') %}
    select
        printed.* replace (
            case
                when printed.{{ error }} is not null then printed.{{ error }}
                when unmarked.local_start is not null
                    then 'rejected: ' || printed.local_start
                    || ' comes twice on this day and no line is marked as of the second pass'
            end as {{ error }}
        )
    from {{ rows }} as printed
    left join (
        select
            raw_file,
            {%- if series %}
            {{ series }},
            {%- endif %}
            local_start
        from {{ rows }}
        where is_repeated
        group by all
        having count(distinct {{ price }}) > 1 and not bool_or(second_pass)
    ) as unmarked
        on printed.raw_file = unmarked.raw_file
        {%- if series %}
        and printed.{{ series }} = unmarked.{{ series }}
        {%- endif %}
        and printed.local_start = unmarked.local_start
{% endmacro %}


{#- Where a row says itself which pass it is of (told_pass), the order of lines is not asked. -#}
{% macro with_pass_by_order(
    rows, iso, location, listed_by, column, minutes=60, local='local_start', told_pass='told_pass'
) %}
    select
        stamped.*,
        coalesce(stamped.{{ told_pass }}, passes.is_second, false) as second_pass,
        case
            when stamped.{{ told_pass }} is null and passes.raw_row is not null and passes.is_second is null
                then 'rejected: {{ column }} ' || stamped.{{ local }}
                || ' comes twice on this day and the order of the file does not tell which is the first'
        end as pass_error
    from {{ rows }} as stamped
    left join ({{ _passes_by_order(rows, iso, location, listed_by, minutes, local) }}) as passes
        on stamped.raw_file = passes.raw_file
        and stamped.raw_row = passes.raw_row
{% endmacro %}


{#- Only days with a repeated hour are looked at, because windows over all rows would take longer than reading them. -#}
{% macro _passes_by_order(rows, iso, location, listed_by, minutes, local) %}
    with long_days as (

        select
            long_day.raw_file,
            long_day.raw_row,
            coalesce(long_day.{{ location }}, '') as place,
            long_day.{{ listed_by }} as listed,
            long_day.{{ local }} as stamp,
            {{ is_repeated_hour('long_day.' ~ local, 'markets.time_zone') }} as is_repeated
        from {{ rows }} as long_day
        inner join {{ ref('markets') }} as markets on markets.iso = '{{ iso }}'
        where long_day.{{ local }}::date in (
            select days.local_date
            from (select distinct {{ local }}::date as local_date from {{ rows }}) as days
            inner join {{ ref('markets') }} as zones on zones.iso = '{{ iso }}'
            where {{ is_repeated_hour("days.local_date + interval 1 hour", 'zones.time_zone') }}
        )

    ),

    neighbours as (

        select
            *,
            lag(stamp) over of_place as stamp_above,
            lead(stamp) over of_place as stamp_below,
            is_repeated and coalesce(lag(is_repeated) over of_place and lag(stamp::date) over of_place = stamp::date, false)
                as is_inside,
            lag(stamp) over of_file as line_above,
            lag(listed) over of_file as listed_above,
            is_repeated and coalesce(lag(is_repeated) over of_file, false) as line_is_inside
        from long_days
        window
            of_place as (
                partition by raw_file, place
                order by raw_row
            ),
            of_file as (
                partition by raw_file
                order by raw_row
            )

    ),

    -- Operators list the locations of an interval by name, so that a file which lists them from the last to the first
    -- was turned upside down, and its passes with it. A file that was sorted by stamp, newest first, lists them as
    -- before, and its passes are in their old order too, because sorting leaves equal stamps as they were.
    listings as (

        select
            raw_file,
            count(*) filter (where listed < listed_above)
            >= 4 * count(*) filter (where listed > listed_above) as is_upside_down
        from neighbours
        where stamp >= line_above and not line_is_inside
        group by raw_file

    ),

    steps as (

        select
            raw_file,
            place,
            count(*) filter (where stamp > stamp_above) as steps_on,
            count(*) filter (where stamp < stamp_above) as steps_back,
            count(stamp_above) as steps_taken
        from neighbours
        where not is_inside
        group by
            raw_file,
            place

    ),

    directions as (

        select
            steps.raw_file,
            steps.place,
            case
                when steps.steps_on > 0 and steps.steps_on >= 4 * (steps.steps_taken - steps.steps_on) then 1
                when steps.steps_back > 0
                    and steps.steps_back >= 4 * (steps.steps_taken - steps.steps_back)
                    and coalesce(listings.is_upside_down, true)
                    then -1
            end as direction
        from steps
        left join listings on steps.raw_file = listings.raw_file

    ),

    -- Rows of one repeated hour that follow each other at a location are a run.
    runs as (

        select
            neighbours.raw_file,
            neighbours.raw_row,
            neighbours.place,
            neighbours.stamp,
            directions.direction,
            case when directions.direction = -1 then -neighbours.raw_row else neighbours.raw_row end as turn,
            case when directions.direction = -1 then neighbours.stamp_below else neighbours.stamp_above end as earlier,
            case when directions.direction = -1 then neighbours.stamp_above else neighbours.stamp_below end as later,
            count(*) filter (where not neighbours.is_inside) over (
                partition by neighbours.raw_file, neighbours.place
                order by neighbours.raw_row
            ) as run
        from neighbours
        inner join directions
            on neighbours.raw_file = directions.raw_file
            and neighbours.place = directions.place
        where neighbours.is_repeated

    ),

    turned as (

        select
            *,
            date_diff('second', lag(stamp) over in_turn, stamp) as seconds_on,
            lag(stamp) over in_turn is null
            and coalesce(date_diff('second', earlier, stamp) between 1 and {{ 60 * minutes }}, false) as begins_hour,
            lead(stamp) over in_turn is null
            and coalesce(date_diff('second', stamp, later) between 1 and {{ 60 * minutes }}, false) as ends_hour,
            lead(raw_row) over of_stamp as row_of_other_pass
        from runs
        window
            in_turn as (
                partition by raw_file, place, run
                order by turn
            ),
            of_stamp as (
                partition by raw_file, place, run, stamp
                order by raw_row
            )

    ),

    -- The second pass begins where the clock goes back by the whole hour but one interval. A smaller step back is
    -- a line out of its place. Where a file has one pass only, the intervals before and after it show which one it is.
    judged as (

        select
            raw_file,
            raw_row,
            stamp::date as day,
            row_of_other_pass,
            case
                when direction is null then null
                when count(*) filter (where seconds_on <= 0) over of_run = 0
                    and bool_or(begins_hour) over of_run <> bool_or(ends_hour) over of_run
                    then bool_or(ends_hour) over of_run
                when count(*) filter (where seconds_on <= 0) over of_run = 1
                    and min(seconds_on) over of_run <= {{ -30 * (60 - minutes) }}
                    then coalesce(min(seconds_on) over so_far <= 0, false)
            end as is_second
        from turned
        window
            of_run as (partition by raw_file, place, run),
            so_far as (
                partition by raw_file, place, run
                order by turn
            )

    ),

    -- A tool that sorts by stamp and shuffles equal stamps mixes the passes, and nothing in the repeated hour shows
    -- it. It shuffles the other hours too, though, so a day is mixed if its hours list their locations in different
    -- orders, or if its passes do.
    mixed_days as (

        select
            raw_file,
            day
        from (
            select
                raw_file,
                day,
                listed,
                max(times) as most_times,
                sum(times) as all_times
            from (
                select
                    raw_file,
                    stamp::date as day,
                    listed,
                    case when stamp = line_above then listed_above end as listed_before,
                    count(*) as times
                from neighbours
                where not is_repeated
                group by all
            ) as pairs
            group by
                raw_file,
                day,
                listed
        ) as places
        group by
            raw_file,
            day
        having 5 * sum(most_times) < 4 * sum(all_times)
        union
        select
            raw_file,
            day
        from (
            select
                raw_file,
                day,
                row_of_other_pass < max(row_of_other_pass) over (
                    partition by raw_file, day
                    order by raw_row
                ) as is_overtaken
            from judged
            where is_second is not null and row_of_other_pass is not null
        ) as passes
        where is_overtaken

    )

    select
        judged.raw_file,
        judged.raw_row,
        case when mixed_days.day is null then judged.is_second end as is_second
    from judged
    left join mixed_days
        on judged.raw_file = mixed_days.raw_file
        and judged.day = mixed_days.day
{% endmacro %}
