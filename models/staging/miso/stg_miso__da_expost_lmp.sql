-- MISO day-ahead ex-post LMPs, report da_expost_lmp. One row per node and hour.
-- Quirks: the hours of a day are columns, in Eastern Standard Time all year, so every day has 24; the LMP,
-- MCC and MLC of a node are lines of their own, thousands of lines apart; energy is LMP - MCC - MLC; a line
-- that comes again gives the rows of its node once more, with the other prices as they stood.
with source as (

    select * from {{ source('miso', 'da_expost_lmp') }}

),

lines as (

    select
        raw_file,
        raw_row,
        raw_fault,
        coalesce(market_day, delivery_day::timestamp) as local_start,
        {{ trimmed('"Node"') }} as settlement_location,
        {{ trimmed('"Type"') }} as published_type,
        {{ trimmed('"Value"') }} as component,
        {{ list_of([
            '"HE 1"', '"HE 2"', '"HE 3"', '"HE 4"', '"HE 5"', '"HE 6"', '"HE 7"', '"HE 8"',
            '"HE 9"', '"HE 10"', '"HE 11"', '"HE 12"', '"HE 13"', '"HE 14"', '"HE 15"', '"HE 16"',
            '"HE 17"', '"HE 18"', '"HE 19"', '"HE 20"', '"HE 21"', '"HE 22"', '"HE 23"', '"HE 24"',
        ]) }} as prices
    from source

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
        row_number() over (
            partition by raw_file, raw_fault, local_start, settlement_location, published_type, component
            order by raw_row
        ) as occurrence
    from lines

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
        mlc_lines.prices as mlc
    from clocked
    left join lines as lmp_lines
        on clocked.raw_file = lmp_lines.raw_file and clocked.lmp_row = lmp_lines.raw_row
    left join lines as mcc_lines
        on clocked.raw_file = mcc_lines.raw_file and clocked.mcc_row = mcc_lines.raw_row
    left join lines as mlc_lines
        on clocked.raw_file = mlc_lines.raw_file and clocked.mlc_row = mlc_lines.raw_row

),

hourly as (

    {{ with_each_hour('daily', lists=['lmp', 'mcc', 'mlc']) }}

),

final as (

    select
        raw_file,
        -- A rejected row is told by its line: the one with the fault, if one of the three has it.
        case
            when lmp_row is null or mcc_row is null or mlc_row is null then raw_row
            when {{ no_price('lmp') }} then lmp_row
            when {{ no_price('mcc') }} then mcc_row
            when {{ no_price('mlc') }} then mlc_row
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
        1::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no day'
            when settlement_location is null then 'rejected: no Node'
            when unknown_component is not null then 'rejected: unknown Value "' || unknown_component || '"'
            when settlement_location_type is null
                then 'rejected: unknown Type "' || coalesce(published_type, '') || '"'
            when lmp is null or mcc is null or mlc is null
                then 'rejected: no ' || concat_ws(
                    ' and no ',
                    case when lmp_row is null then 'LMP line' when lmp is null then 'LMP' end,
                    case when mcc_row is null then 'MCC line' when mcc is null then 'MCC' end,
                    case when mlc_row is null then 'MLC line' when mlc is null then 'MLC' end
                )
            {{- price_faults({
                'LMP': 'lmp',
                'MCC': 'mcc',
                'MLC': 'mlc',
                'LMP less MCC and MLC': 'lmp - mcc - mlc',
            }) }}
        end as set_aside
    from hourly

)

select * from final
