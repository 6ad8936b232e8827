{#- Prices of a report whose lines are a component of a location and interval. One row per file, location and interval,
    made of up to five lines, and a further row for each time that a file repeats a line.

    The lines are read twice on purpose, because a CTE that is used twice would be held in memory. The first reading
    leaves out their order, because counting them takes the files to a single thread. The second one is of lines that
    have to be told apart, and reads nothing where a file has none. -#}
{% macro caiso_component_lmps(prices, market_run, value, minutes, elsewhere, left_out={}) %}
    {%- set known_runs = [market_run] + (left_out.keys() | list) %}
    with pivoted as (

        select
            raw_file,
            intervalstarttime_gmt as interval_start,
            node,
            count(*) as raw_lines,
            min(intervalendtime_gmt) as first_end,
            max(intervalendtime_gmt) as last_end,
            min(opr_dt) as first_trade_date,
            max(opr_dt) as last_trade_date,
            min(opr_hr) as first_label,
            max(opr_hr) as last_label,
            max(case when lmp_type = 'LMP' then price end) as lmp,
            max(case when lmp_type = 'MCE' then price end) as energy,
            max(case when lmp_type = 'MCC' then price end) as congestion,
            max(case when lmp_type = 'MCL' then price end) as loss,
            max(case when lmp_type = 'MGHG' then price end) as ghg
        from (
            select
                *,
                -- The greatest of several numbers would be the NaN, if there is one.
                case
                    when market_run_id = '{{ market_run }}' and {{ value }} between -50000 and 50000 then {{ value }}
                end as price
            from {{ prices }}
        ) as printed
        group by
            raw_file,
            interval_start,
            node

    ),

    intervals as (

        {{ caiso_intervals('pivoted', minutes) }}

    ),

    unsettled_intervals as (

        select interval_start
        from pivoted
        group by interval_start
        having
            min(raw_file) <> max(raw_file)
            or count(lmp) < count(*)

    ),

    unsettled_keys as (

        select
            pivoted.interval_start,
            pivoted.node,
            count(pivoted.lmp) as lmps
        from pivoted
        semi join unsettled_intervals
            on pivoted.interval_start = unsettled_intervals.interval_start
        group by
            pivoted.interval_start,
            pivoted.node
        having
            count(*) > 1
            or count(pivoted.lmp) = 0

    ),

    -- Rows whose lines have to be told apart: more lines than components, a time that can't be, or none of all
    -- files has the LMP.
    uneven as (

        select
            pivoted.raw_file,
            pivoted.interval_start,
            pivoted.node
        from pivoted
        left join intervals on pivoted.interval_start = intervals.interval_start
        where
            intervals.interval_start_utc is null
            or {{ off_grid('pivoted.interval_start', minutes) }}
            or pivoted.first_end <> intervals.interval_end
            or pivoted.last_end <> intervals.interval_end
            or pivoted.first_trade_date <> intervals.trade_date
            or pivoted.last_trade_date <> intervals.trade_date
            or pivoted.first_label <> intervals.hour_label
            or pivoted.last_label <> intervals.hour_label
            or {{ trimmed('pivoted.node') }} is null
            or pivoted.raw_lines <> (
                (pivoted.lmp is not null)::integer
                + (pivoted.energy is not null)::integer
                + (pivoted.congestion is not null)::integer
                + (pivoted.loss is not null)::integer
                + (pivoted.ghg is not null)::integer
            )
        union
        select
            pivoted.raw_file,
            pivoted.interval_start,
            pivoted.node
        from pivoted
        inner join unsettled_keys
            on
                pivoted.interval_start = unsettled_keys.interval_start
                and pivoted.node = unsettled_keys.node
                and unsettled_keys.lmps = 0

    ),

    numbered as (

        select
            lines.raw_file,
            lines.raw_row,
            lines.raw_row - min(lines.raw_row) over (partition by lines.raw_file) as place_in_file,
            lines.intervalstarttime_gmt as interval_start,
            lines.node,
            lines.lmp_type,
            lines.{{ value }} as price,
            case
                when lines.raw_fault is not null then lines.raw_fault
                when bool_and(coalesce(lines.market_run_id, '{{ market_run }}') not in ({{ texts_listed(known_runs) }}))
                    over (partition by lines.raw_file)
                    then {{ is_another_report(
                        "'MARKET_RUN_ID is ' || lines.market_run_id || ' and " ~ market_run ~ " in no line'", elsewhere
                    ) }}
                {%- for run, what in left_out.items() %}
                when lines.market_run_id = '{{ run }}' then 'filtered: {{ what }}'
                {%- endfor %}
                when coalesce(lines.market_run_id, 'blank') <> '{{ market_run }}'
                    then 'rejected: MARKET_RUN_ID ' || coalesce(lines.market_run_id, 'blank') || ' is not {{ market_run }}'
                when coalesce(lines.lmp_type, 'blank') not in ('LMP', 'MCE', 'MCC', 'MCL', 'MGHG')
                    then 'rejected: unknown LMP_TYPE ' || coalesce(lines.lmp_type, 'blank')
                {{- caiso_time_faults('lines', minutes) }}
                {{- price_faults({value | upper: 'lines.' ~ value}, nullable=true) }}
            end as fault
        from {{ prices }} as lines
        semi join uneven
            on lines.raw_file = uneven.raw_file
        left join intervals
            on lines.intervalstarttime_gmt = intervals.interval_start

    ),

    repeats as (

        select
            numbered.*,
            row_number() over (
                partition by
                    numbered.raw_file,
                    numbered.interval_start,
                    numbered.node,
                    numbered.lmp_type,
                    numbered.fault
                order by numbered.price is null, numbered.raw_row desc
            ) as copy_number
        from numbered
        inner join uneven
            on
                numbered.raw_file = uneven.raw_file
                and numbered.interval_start is not distinct from uneven.interval_start
                and numbered.node is not distinct from uneven.node

    ),

    -- Precedence: the later file, and within a file the later line.
    file_rows as (

        select
            pivoted.raw_file,
            0 as place_in_file,
            pivoted.raw_lines,
            pivoted.interval_start,
            pivoted.node,
            pivoted.lmp,
            pivoted.energy,
            pivoted.congestion,
            pivoted.loss,
            pivoted.ghg,
            null as fault,
            pivoted.raw_file * 1000000::bigint as precedence
        from pivoted
        anti join uneven
            on
                pivoted.raw_file = uneven.raw_file
                and pivoted.interval_start = uneven.interval_start
                and pivoted.node = uneven.node
        where
            pivoted.interval_start is not null
            and pivoted.node is not null
        union all
        select
            raw_file,
            min(place_in_file) as place_in_file,
            count(*) as raw_lines,
            interval_start,
            node,
            max(case when lmp_type = 'LMP' and fault is null then price end) as lmp,
            max(case when lmp_type = 'MCE' and fault is null then price end) as energy,
            max(case when lmp_type = 'MCC' and fault is null then price end) as congestion,
            max(case when lmp_type = 'MCL' and fault is null then price end) as loss,
            max(case when lmp_type = 'MGHG' and fault is null then price end) as ghg,
            fault,
            raw_file * 1000000::bigint - copy_number as precedence
        from repeats
        group by
            raw_file,
            interval_start,
            node,
            fault,
            copy_number

    ),

    shared_keys as (

        select
            interval_start,
            node
        from unsettled_keys
        union
        select
            interval_start,
            node
        from uneven

    ),

    settled as (

        select
            file_rows.interval_start,
            file_rows.node,
            max(case when file_rows.lmp is not null then file_rows.precedence end) as precedence,
            arg_max(file_rows.lmp, file_rows.precedence) as lmp,
            arg_max(file_rows.energy, file_rows.precedence) as energy,
            arg_max(file_rows.congestion, file_rows.precedence) as congestion,
            arg_max(file_rows.loss, file_rows.precedence) as loss,
            arg_max(file_rows.ghg, file_rows.precedence) as ghg
        from file_rows
        semi join shared_keys
            on
                file_rows.interval_start = shared_keys.interval_start
                and file_rows.node = shared_keys.node
        where file_rows.fault is null
        group by
            file_rows.interval_start,
            file_rows.node

    ),

    judged as (

        select
            file_rows.*,
            intervals.interval_start_utc,
            settled.energy as settled_energy,
            settled.congestion as settled_congestion,
            settled.loss as settled_loss,
            settled.ghg as settled_ghg,
            file_rows.precedence = settled.precedence as is_settled,
            case
                when file_rows.fault is not null then file_rows.fault
                when file_rows.interval_start is null then 'rejected: no INTERVALSTARTTIME_GMT'
                when {{ trimmed('file_rows.node') }} is null then 'rejected: no NODE'
                when coalesce(settled.lmp, file_rows.lmp) is null then 'lacking: no line with the LMP'
                when coalesce(file_rows.precedence = settled.precedence, true) then null
                when
                    file_rows.lmp <> settled.lmp
                    or file_rows.energy <> settled.energy
                    or file_rows.congestion <> settled.congestion
                    or file_rows.loss <> settled.loss
                    or file_rows.ghg <> settled.ghg
                    then 'superseded: unequal, no version tells which is right'
                when file_rows.lmp is null then 'merged: its components stand in the row with the LMP'
                else 'merged: equal to the published row'
            end as set_aside
        from file_rows
        left join intervals on file_rows.interval_start = intervals.interval_start
        left join settled
            on
                file_rows.interval_start = settled.interval_start
                and file_rows.node = settled.node

    ),

    named as (

        select
            raw_file,
            place_in_file as raw_row,
            raw_lines::utinyint as raw_lines,
            interval_start_utc,
            {{ trimmed('node') }} as settlement_location,
            lmp as lmp_total,
            case when is_settled then settled_energy else energy end as lmp_energy,
            case when is_settled then settled_congestion else congestion end as lmp_congestion,
            case when is_settled then settled_loss else loss end as lmp_loss,
            case when is_settled then settled_ghg else ghg end as lmp_ghg,
            set_aside
        from judged

    ),

    -- Types are looked up beside the rows, once per name, because a CTE of them would hold the rows in memory.
    nodes as (

        select distinct {{ trimmed('node') }} as settlement_location
        from pivoted

    ),

    location_types as (

        {{ with_location_type('nodes', iso='caiso') }}

    )

    select
        named.raw_file,
        named.raw_row,
        named.raw_lines,
        named.interval_start_utc,
        named.settlement_location,
        location_types.settlement_location_type,
        named.settlement_location as settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        named.lmp_total,
        named.lmp_energy,
        named.lmp_congestion,
        named.lmp_loss,
        named.lmp_ghg,
        1::uinteger as version,
        named.set_aside
    from named
    left join location_types
        on named.settlement_location = location_types.settlement_location
{% endmacro %}
