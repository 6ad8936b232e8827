-- NYISO real-time hourly generator LBMP, report rtlbmp_gen. One row per generator or reference bus and hour.
-- Quirks: hour beginning in Eastern prevailing time without a zone mark, so the second 01:00 of the
-- fall day is told by file order, forwards or backwards; congestion is published with the opposite sign;
-- no energy column; the five-minute report has the same columns, and is told by its stamps off the hour;
-- the zone of a generator stands in the generator list.
with source as (

    select * from {{ source('nyiso', 'rtlbmp_gen') }}

),

zones as (

    {{ nyiso_zones_of_generators(source('nyiso', 'generator')) }}

),

final as (

    {{ nyiso_hourly_lbmps('source', five_minute_report='realtime_gen', zones='zones') }}

)

select * from final
