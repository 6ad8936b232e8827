-- NYISO real-time generator LBMP of five minutes, report realtime_gen. One row per generator or
-- reference bus and stamp. Quirks: a stamp is the end of an interval, and dispatch runs come off the
-- five-minute grid too, so that intervals differ in length and the first of a file starts where the file of
-- the day before ends; the second pass of the repeated hour is told by file order; a file of a day that is
-- not over ends with advisory prices; congestion is published with the opposite sign; no energy column; the
-- hourly reports have the same columns, and are told by their stamps on the hour.
with source as (

    select * from {{ source('nyiso', 'realtime_gen') }}

),

typed as (

    {{ nyiso_lbmp_rows('source') }}

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
        minutes=none,
        local='local_stamp',
        instant='interval_end_utc'
    ) }}

),

stamps as (

    {{ nyiso_stamps_of_files('clocked') }}

),

runs as (

    {{ nyiso_dispatch_intervals('clocked', 'stamps', hourly_report='nyiso/rtlbmp_gen or damlbmp_gen') }}

),

prices as (

    {{ nyiso_lbmp_prices('runs', of_dispatch_runs=true) }}

),

final as (

    {{ nyiso_settled_prices('prices', 'runs') }}

)

select * from final
