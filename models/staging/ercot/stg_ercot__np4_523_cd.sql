-- ERCOT day-ahead system lambda, report NP4-523-CD. One row per hour of the whole system.
-- Quirks: the clock of NP4-190-CD; the number belongs to no settlement point, so a row is no price of its own
-- but stands beside the prices of its hour.
with source as (

    select * from {{ source('ercot', 'np4_523_cd') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        delivery_date,
        hour_ending,
        dst_flag as repeated_hour_flag,
        system_lambda
    from source

),

labels as (

    {{ ercot_labels('typed') }}

),

hours as (

    {{ with_utc('labels', iso='ercot', column='delivery date and hour ending') }}

),

clocked as (

    {{ ercot_with_labels('typed', 'hours', price='system_lambda') }}

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        null::varchar as settlement_location,
        null::varchar as settlement_location_type,
        null::varchar as settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        null::double as lmp_total,
        null::double as lmp_energy,
        null::double as lmp_congestion,
        null::double as lmp_loss,
        system_lambda,
        1::uinteger as version,
        case
            when label_error is not null then label_error
            {{- price_faults({'system lambda': 'system_lambda'}) }}
            else 'filtered: joined to the prices as system_lambda'
        end as set_aside
    from clocked

)

select * from final
