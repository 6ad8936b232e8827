-- MISO day-ahead ex-post LMPs, report da_expost_lmp. One row per node and hour.
-- Quirks: the hours of a day are columns, in Eastern Standard Time all year, so every day has 24; the LMP,
-- MCC and MLC of a node are lines of their own, thousands of lines apart; energy is LMP - MCC - MLC; a line
-- that comes again gives the rows of its node once more, with the other prices as they stood; people keep
-- the LMP lines alone, which are prices without components; a day in a column of its own is that of its
-- line, and where there is none all lines are of one day, so that no node can have two prices.
with source as (

    select * from {{ source('miso', 'da_expost_lmp') }}

),

final as (

    {{ miso_hourly_lmps('source', version=1) }}

)

select * from final
