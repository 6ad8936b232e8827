-- CAISO day-ahead prices of ancillary services, OASIS report PRC_AS. One row per product, region and hour.
-- Quirks: the GMT column is the clock (OPR_HR 25 is the third hour of the fall day); the product is ANC_TYPE,
-- because XML_DATA_ITEM has other words for some; a region's price is a part of what a resource receives;
-- lines of the hour-ahead run are left out; a file of another market alone is another report.
with final as (

    {{ caiso_ancillary_prices(
        source('caiso', 'prc_as'),
        market_type='DA',
        market_run='DAM',
        minutes=60,
        elsewhere='caiso/prc_intvl_as if that is RTM'
    ) }}

)

select * from final
