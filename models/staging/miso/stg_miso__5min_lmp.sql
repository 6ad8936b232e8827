-- MISO final five-minute LMPs, weekly report 5min_lmp. One row per node and interval.
-- Quirks: Eastern Standard Time all year; nothing tells whether a stamp is the start or the end of its
-- interval, so the seed interval_stamps does; no type is published, so hubs and aggregates are told by the
-- ends of their names and interfaces by a list, and the rest are nodes; energy is LMP - CON_LMP - LOSS_LMP.
with source as (

    select * from {{ source('miso', '5min_lmp') }}

),

stamped as (

    select
        source.raw_file,
        source.raw_row,
        source.raw_fault,
        source.mkthour_est
        - case readings.stamp when 'end' then interval 5 minute else interval 0 minute end as local_start,
        false as second_pass,
        {{ trimmed('source.pnodename') }} as settlement_location,
        source.lmp,
        source.con_lmp as mcc,
        source.loss_lmp as mlc
    from source
    inner join {{ ref('interval_stamps') }} as readings
        on readings.iso = 'miso' and readings.report = '5min_lmp'

),

listed as (

    select
        stamped.*,
        coalesce(locations.published_type, 'none') as published_type
    from stamped
    left join {{ ref('locations') }} as locations
        on locations.iso = 'miso' and stamped.settlement_location = locations.settlement_location

),

typed as (

    {{ with_location_type('listed', iso='miso', published_type='published_type') }}

),

clocked as (

    {{ with_utc('typed', iso='miso', column='MKTHOUR_EST', minutes=5) }}

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location as settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        lmp as lmp_total,
        round(lmp - mcc - mlc, 2) as lmp_energy,
        mcc as lmp_congestion,
        mlc as lmp_loss,
        1::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no MKTHOUR_EST'
            when settlement_location is null then 'rejected: no PNODENAME'
            {{- price_faults({'LMP': 'lmp', 'CON_LMP': 'mcc', 'LOSS_LMP': 'mlc'}) }}
        end as set_aside
    from clocked

)

select * from final
