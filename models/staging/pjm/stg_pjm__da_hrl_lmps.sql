-- PJM day-ahead hourly LMPs, Data Miner feed da_hrl_lmps. One row per pnode, hour and version.
-- Quirks: the UTC column is the clock (the EPT column repeats an hour in the fall without a mark);
-- voltage is text with a unit; pnode_name is not unique, pnode_id is; blank zone, voltage and
-- equipment for hubs, zones and other aggregates; a revised hour comes again with a higher version.
with source as (

    select * from {{ source('pjm', 'da_hrl_lmps') }}

),

typed as (

    select
        source.raw_file,
        source.raw_row,
        {{ utc('source.datetime_beginning_utc') }} as interval_start_utc,
        trim(source.pnode_name) as settlement_location,
        coalesce(
            named_type.settlement_location_type,
            other_type.settlement_location_type
        ) as settlement_location_type,
        source.pnode_id as settlement_location_id,
        source.zone,
        try_cast(replace(source.voltage, 'KV', '') as double) as voltage_kv,
        source.total_lmp_da as lmp_total,
        source.system_energy_price_da as lmp_energy,
        source.congestion_price_da as lmp_congestion,
        source.marginal_loss_price_da as lmp_loss,
        source.version_nbr as version
    from source
    left join {{ ref('location_types') }} as named_type
        on named_type.iso = 'pjm' and source.type = named_type.published_type
    left join {{ ref('location_types') }} as other_type
        on other_type.iso = 'pjm' and other_type.published_type = '*'

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location_id,
        zone,
        voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        version,
        case
            when interval_start_utc is null then 'rejected: no datetime_beginning_utc'
            when settlement_location_id is null then 'rejected: no pnode_id'
            when settlement_location is null then 'rejected: no pnode_name'
            when lmp_total is null then 'rejected: no total_lmp_da'
            when version is null then 'rejected: no version_nbr'
        end as set_aside
    from typed

)

select * from final
