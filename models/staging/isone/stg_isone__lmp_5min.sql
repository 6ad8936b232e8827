-- ISO-NE real-time five-minute prices, report lmp_5min. One row per location and interval.
-- Quirks: lines have the clock at the interval's start and no day, which the file tells; the second pass of
-- the repeated hour is told by the order of lines, per location; locations have a number alone. The names of
-- hub, zones and external nodes are known; for the rest the number stands for the name.
with source as (

    select * from {{ source('isone', 'lmp_5min') }}

),

printed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        raw_lacks,
        delivery_day,
        {{ trimmed('"Local Time"') }} as printed_clock,
        {{ published_id('"Location ID"') }} as settlement_location_id,
        lmp as lmp_total,
        {{ isone_parts('lmp') }}
    from source

),

-- Each different clock is read once and not once per row, because a file has few of them.
clocks as (

    select
        printed_clock,
        case
            when regexp_full_match(printed_clock, '([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?')
                then try_cast(printed_clock as time)
        end as clock
    from (select distinct printed_clock from printed) as texts

),

typed as (

    select
        printed.*,
        printed.delivery_day + clocks.clock as local_start,
        try_cast(printed.settlement_location_id as bigint) as location_number,
        null::boolean as told_pass
    from printed
    left join clocks on printed.printed_clock = clocks.printed_clock

),

passes as (

    {{ with_pass_by_order(
        'typed',
        iso='isone',
        location='settlement_location_id',
        listed_by='location_number',
        column='Local Time',
        minutes=5
    ) }}

),

clocked as (

    {{ with_utc('passes', iso='isone', column='Local Time', minutes=5) }}

),

-- A clock that comes again with another price is of another day, and nothing tells of which.
merged_files as (

    {{ merged_files(
        'clocked',
        key=['settlement_location_id', 'local_start', 'second_pass'],
        prices=['lmp_total'],
        example="settlement_location_id || ' at ' || local_start::time",
        where='pass_error is null'
    ) }}

),

named as (

    select
        clocked.*,
        locations.published_type,
        merged_files.example,
        coalesce(locations.settlement_location, clocked.settlement_location_id) as settlement_location
    from clocked
    left join {{ ref('locations') }} as locations
        on
            locations.iso = 'isone'
            and clocked.settlement_location_id = locations.settlement_location_id
    left join merged_files on clocked.raw_file = merged_files.raw_file

),

located as (

    {{ with_location_type('named', iso='isone', published_type='published_type') }}

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        1::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when regexp_matches(printed_clock, '[0-9]{4}')
                then
                    'refused: is another report: its Local Time tells days ("' || printed_clock
                    || '"), which lines of lmp_5min don''t: move it out of this folder'
            when example is not null
                then
                    'refused: has several prices for location ' || example
                    || ': lines of several days seem to be merged into it, and nothing tells the day of '
                    || 'each. Keep a file for each day'
            when local_start is null and printed_clock is not null
                then
                    'rejected: Local Time "' || left(printed_clock, 40)
                    || '" is no time of day: write it as 13:05:00'
            when local_start is null then 'rejected: no Local Time'
            when clock_error is not null then clock_error
            when settlement_location_id is null then 'rejected: no Location ID'
            {{- id_fault('Location ID', 'settlement_location_id') }}
            when pass_error is not null then pass_error
            {{- price_faults({'LMP': 'lmp_total'}) }}
            {{- isone_part_faults() }}
        end as set_aside
    from located

)

select * from final
