-- NYISO real-time generator LBMP of five minutes, report realtime_gen. One row per generator or
-- reference bus and stamp. Quirks: a stamp is the end of an interval, and dispatch runs come off the
-- five-minute grid too, so that intervals differ in length and the first of a file starts where the file of
-- the day before ends; the second pass of the repeated hour is told by file order; a file of a day that is
-- not over ends with advisory prices; congestion is published with the opposite sign; no energy column; the
-- hourly reports have the same columns, and are told by their stamps on the hour; the zone of a generator
-- stands in the generator list.
with source as (

    select * from {{ source('nyiso', 'realtime_gen') }}

),

zones as (

    {{ nyiso_zones_of_generators(source('nyiso', 'generator')) }}

),

final as (

    {{ nyiso_dispatch_lbmps('source', hourly_report='nyiso/rtlbmp_gen or damlbmp_gen', zones='zones') }}

)

select * from final
