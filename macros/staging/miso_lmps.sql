{#- Prices of a report whose lines are a node and component with the hours of a day beside each other. -#}
{% macro miso_hourly_lmps(rows, version) %}
    with lines as (

        select
            raw_file,
            raw_row,
            raw_fault,
            coalesce(market_day, delivery_day::timestamp) as local_start,
            market_day is null and delivery_day is not null as is_of_one_day,
            {{ trimmed('"Node"') }} as settlement_location,
            {{ trimmed('"Type"') }} as published_type,
            {{ trimmed('"Value"') }} as component,
            {{ miso_hours() }} as prices
        from {{ rows }}

    ),

    occurrences as (

        select
            raw_file,
            raw_row,
            raw_fault,
            local_start,
            settlement_location,
            published_type,
            component,
            is_of_one_day,
            row_number() over (
                partition by raw_file, raw_fault, local_start, settlement_location, published_type, component
                order by raw_row
            ) as occurrence
        from lines

    ),

    -- Lines of several days under one day. Prices are compared in the files that repeat lines at all.
    merged_files as (

        select
            raw_file,
            arg_min(settlement_location || ' (' || component || ')', last_row) as example
        from (
            select
                lines.raw_file,
                lines.settlement_location,
                lines.component,
                max(lines.raw_row) as last_row
            from lines
            semi join (
                select raw_file
                from occurrences
                where occurrence > 1 and is_of_one_day
            ) as repeating
                on lines.raw_file = repeating.raw_file
            where lines.component in ('LMP', 'MCC', 'MLC')
            group by
                lines.raw_file,
                lines.settlement_location,
                lines.published_type,
                lines.component
            having count(distinct lines.prices) > 1
        ) as conflicts
        group by raw_file

    ),

    -- Lines are brought together by their numbers: prices are carried along only once that is done.
    nodes as (

        select
            raw_file,
            raw_fault,
            local_start,
            false as second_pass,
            settlement_location,
            published_type,
            occurrence,
            case
                when component in ('LMP', 'MCC', 'MLC') then null
                else coalesce(component, '')
            end as unknown_component,
            min(raw_row) as raw_row,
            count(*)::uinteger as raw_lines,
            max(raw_row) filter (where component = 'LMP') as own_lmp_row,
            max(raw_row) filter (where component = 'MCC') as own_mcc_row,
            max(raw_row) filter (where component = 'MLC') as own_mlc_row
        from occurrences
        group by all

    ),

    latest as (

        select
            *,
            max(own_lmp_row) over so_far as lmp_row,
            max(own_mcc_row) over so_far as mcc_row,
            max(own_mlc_row) over so_far as mlc_row
        from nodes
        window so_far as (
            partition by raw_file, local_start, settlement_location, published_type, unknown_component
            order by occurrence
        )

    ),

    typed as (

        {{ with_location_type('latest', iso='miso', published_type='published_type') }}

    ),

    clocked as (

        {{ with_utc('typed', iso='miso', column='day', minutes=1440) }}

    ),

    daily as (

        select
            clocked.*,
            lmp_lines.prices as lmp,
            mcc_lines.prices as mcc,
            mlc_lines.prices as mlc,
            merged_files.example
        from clocked
        left join lines as lmp_lines
            on clocked.raw_file = lmp_lines.raw_file and clocked.lmp_row = lmp_lines.raw_row
        left join lines as mcc_lines
            on clocked.raw_file = mcc_lines.raw_file and clocked.mcc_row = mcc_lines.raw_row
        left join lines as mlc_lines
            on clocked.raw_file = mlc_lines.raw_file and clocked.mlc_row = mlc_lines.raw_row
        left join merged_files on clocked.raw_file = merged_files.raw_file

    ),

    hourly as (

        {{ with_each_hour('daily', lists=['lmp', 'mcc', 'mlc']) }}

    )

    select
        raw_file,
        -- A rejected row is told by its line: the one with the fault, if one of the three has it.
        case
            when lmp_row is null or (mcc_row is null) <> (mlc_row is null) then raw_row
            when {{ no_price('lmp') }} then lmp_row
            when mcc_row is not null and {{ no_price('mcc') }} then mcc_row
            when mlc_row is not null and {{ no_price('mlc') }} then mlc_row
            else raw_row
        end as raw_row,
        case when hour_index = 0 then raw_lines else 0 end as raw_lines,
        {{ plus_minutes('interval_start_utc', '60 * hour_index') }} as interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location as settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        lmp as lmp_total,
        round(lmp - mcc - mlc, 2) as lmp_energy,
        mcc as lmp_congestion,
        mlc as lmp_loss,
        {{ version }}::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when example is not null
                then concat(
                    'refused: has several prices for ',
                    example,
                    ' and no column that tells the day of a line: ',
                    'lines of several days seem to be merged into it. ',
                    'Give each line its day in a column MARKET_DAY, or keep a file for each day'
                )
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no day'
            when settlement_location is null then 'rejected: no Node'
            when unknown_component is not null then 'rejected: unknown Value "' || unknown_component || '"'
            when settlement_location_type is null
                then 'rejected: unknown Type "' || coalesce(published_type, '') || '"'
            -- A file that ends too early has one of the two, a file of LMP lines neither.
            when lmp is null or ((mcc is null or mlc is null) and coalesce(mcc_row, mlc_row) is not null)
                then 'rejected: no ' || concat_ws(
                    ' and no ',
                    case when lmp_row is null then 'LMP line' when lmp is null then 'LMP' end,
                    case when mcc_row is null then 'MCC line' when mcc is null then 'MCC' end,
                    case when mlc_row is null then 'MLC line' when mlc is null then 'MLC' end
                )
            {{- price_faults({'LMP': 'lmp'}) }}
            {{- price_faults({
                'MCC': 'mcc',
                'MLC': 'mlc',
                'LMP less MCC and MLC': 'lmp - mcc - mlc',
            }, nullable=true) }}
        end as set_aside
    from hourly
{% endmacro %}


{% macro miso_hours() %}
    {{- list_of([
        '"HE 1"', '"HE 2"', '"HE 3"', '"HE 4"', '"HE 5"', '"HE 6"', '"HE 7"', '"HE 8"',
        '"HE 9"', '"HE 10"', '"HE 11"', '"HE 12"', '"HE 13"', '"HE 14"', '"HE 15"', '"HE 16"',
        '"HE 17"', '"HE 18"', '"HE 19"', '"HE 20"', '"HE 21"', '"HE 22"', '"HE 23"', '"HE 24"',
    ]) -}}
{% endmacro %}
