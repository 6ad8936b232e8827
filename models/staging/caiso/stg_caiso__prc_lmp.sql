-- CAISO day-ahead LMPs, OASIS report PRC_LMP. One row per file, location and hour, made of up to five
-- component lines, and a further row for each time that a file repeats a line.
-- Quirks: the GMT column is the clock (OPR_HR 25 is the third hour of the fall day); components stand in
-- any order and possibly in files of their own, so the row of the latest file that has the LMP is given
-- the latest of each component, and the other rows of the location and hour are merged into it; a file of
-- another market alone is another report, lines of one among those of the day-ahead market are rejected;
-- OASIS gives prices of the run that commits further units, RUC, by the same name, and they are left out.
with final as (

    {{ caiso_component_lmps(
        source('caiso', 'prc_lmp'),
        market_run='DAM',
        value='mw',
        minutes=60,
        elsewhere='caiso/prc_rtpd_lmp if that is RTPD, or to caiso/prc_intvl_lmp if RTM',
        left_out={'RUC': 'prices of the residual unit commitment run RUC'}
    ) }}

)

select * from final
