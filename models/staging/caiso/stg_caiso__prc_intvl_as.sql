-- CAISO real-time 15-minute prices of ancillary services, OASIS report PRC_INTVL_AS. One row per product,
-- region and interval. Quirks: those of the day-ahead report; columns stand in another order; a download has
-- one operating hour.
with final as (

    {{ caiso_ancillary_prices(
        source('caiso', 'prc_intvl_as'),
        market_type='RT',
        market_run='RTM',
        minutes=15,
        elsewhere='caiso/prc_as if that is DAM'
    ) }}

)

select * from final
