-- NYISO prices in the shape the gridstatus library prints. One row per location and interval.
-- Quirks: names without PTID, which comes from the seed or the generator list; congestion has the usual
-- sign in newer files and the published, opposite one in older ones: the sum tells. A five-minute stamp
-- is an interval's end, from which gridstatus goes back five minutes even where a run came sooner or later;
-- the run before may be in the file of the day before.
-- A file with a bare Time alone is an older one: where energy or loss is missing, no sum tells its sign. Time
-- is the stamp there, and a day begins five minutes after midnight.
{% set has_either_sign = '(
    coalesce("Interval Start", "Interval End", prices."interval_start_utc") is null and "Congestion" <> 0
)' %}

with source as (

    select * from {{ source('nyiso', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows(
        'source',
        iso='nyiso',
        energy='round(
            coalesce("Energy", case when not ' ~ has_either_sign ~ ' then "LMP" - "Loss" - "Congestion" end), 2
        )',
        congestion='case
            when abs("LMP" - "Energy" - "Loss" + "Congestion") < abs("LMP" - "Energy" - "Loss" - "Congestion")
                then 0.0 - "Congestion"
            when "Energy" + "Loss" is not null or not ' ~ has_either_sign ~ ' then "Congestion"
        end'
    ) }}

),

stepped as (

    {{ with_time_step('typed', is_off_grid="(market_type <> 'RT' or interval_minutes <> 5)") }}

),

ended as (

    select
        *,
        case
            when time_error is not null or market_type <> 'RT' or interval_minutes <> 5 then null
            when start_column = 'Time' then interval_start_utc
            else {{ plus_minutes('interval_start_utc', 5) }}
        end as run_end_utc
    from stepped

),

files_from_midnight as (

    select raw_file
    from ended
    where start_column = 'Time' and run_end_utc is not null
    group by raw_file
    having min(run_end_utc) = {{ nyiso_midnight_before(plus_minutes('min(run_end_utc)', 1)) }}

),

undoubted as (

    select
        ended.* replace (
            case
                when ended.run_end_utc is not null and doubtful.raw_file is not null
                    then
                        'refused: begins at midnight and has a Time alone, which is the start of an interval '
                        || 'in newer files and its end in older ones: save it with Interval Start'
                else ended.time_error
            end as time_error
        )
    from ended
    left join files_from_midnight as doubtful on ended.raw_file = doubtful.raw_file

),

started as (

    {{ nyiso_runs_by_end('undoubted', location='settlement_location') }}

),

listed as (

    {{ seeded_locations('nyiso') }}
    union all
    select
        {{ trimmed('"Generator Name"') }} as settlement_location,
        {{ published_id('ptid') }} as settlement_location_id,
        null as published_type,
        {{ trimmed('zone') }} as zone,
        null as voltage_kv
    from {{ source('nyiso', 'generator') }}

),

named as (

    {{ with_listed_location('started', 'listed', own_ends=true) }}

),

located as (

    {{ with_location_type('named', iso='nyiso', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located', own_ends=true) }}

)

select * from final
