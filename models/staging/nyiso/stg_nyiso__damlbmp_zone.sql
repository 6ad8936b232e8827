-- NYISO day-ahead zonal LBMP, report damlbmp_zone. One row per zone or proxy and hour.
-- Quirks: hour beginning in Eastern prevailing time without a zone mark, so the second 01:00 of the
-- fall day is told by file order, forwards or backwards; congestion is published with the opposite sign;
-- no energy column; the five-minute report has the same columns, and is told by its stamps off the hour.
with source as (

    select * from {{ source('nyiso', 'damlbmp_zone') }}

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
        local='local_stamp'
    ) }}

),

clocked as (

    {{ with_utc(
        'passes',
        iso='nyiso',
        column='Time Stamp',
        local='local_stamp',
        five_minute_report='realtime_zone'
    ) }}

),

final as (

    {{ nyiso_lbmp_prices('clocked') }}

)

select * from final
