-- CAISO real-time 15-minute LMPs, OASIS report PRC_RTPD_LMP. One row per file, location and interval, made of
-- up to five component lines, and a further row for each time that a file repeats a line. Quirks: those of
-- the day-ahead report; the price is called PRC; OPR_HR has two digits. That it goes to 25 on the fall day
-- here too is an assumption, since the one file at hand is of September.
with final as (

    {{ caiso_component_lmps(
        source('caiso', 'prc_rtpd_lmp'),
        market_run='RTPD',
        value='prc',
        minutes=15,
        elsewhere='caiso/prc_lmp if that is DAM, or to caiso/prc_intvl_lmp if RTM'
    ) }}

)

select * from final
