-- CAISO real-time five-minute LMPs, OASIS report PRC_INTVL_LMP. One row per file, location and interval, made
-- of up to five component lines, and a further row for each time that a file repeats a line. Quirks: those of
-- the day-ahead report; the price is called VALUE, and MW in the first version of the report; OPR_HR has two
-- digits; a download of all nodes has one operating hour.
with final as (

    {{ caiso_component_lmps(
        source('caiso', 'prc_intvl_lmp'),
        market_run='RTM',
        value='value',
        minutes=5,
        elsewhere='caiso/prc_lmp if that is DAM, or to caiso/prc_rtpd_lmp if RTPD'
    ) }}

)

select * from final
