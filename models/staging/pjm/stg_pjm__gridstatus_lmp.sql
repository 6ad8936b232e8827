-- PJM prices in the shape the gridstatus library prints. One row per pnode and interval.
-- Quirks: newer files name a pnode three times over (id, name, short name), older ones have the id as
-- Location beside the name, or the name alone; then the id comes from the pnode list, where one pnode
-- only has that name.
with source as (

    select * from {{ source('pjm', 'gridstatus_lmp') }}

),

typed as (

    {{ gridstatus_lmp_rows(
        'source',
        iso='pjm',
        location='coalesce("Location Name", case when try_cast("Location" as bigint) is null then "Location" end)',
        location_id='coalesce("Location Id", case when try_cast("Location" as bigint) is not null then "Location" end)'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

listed as (

    select
        {{ trimmed('pnode_name') }} as settlement_location,
        {{ published_id('pnode_id') }} as settlement_location_id,
        {{ trimmed('pnode_subtype') }} as published_type,
        {{ trimmed('zone') }} as zone,
        case
            when isfinite({{ pjm_voltage('voltage_level') }}) then {{ pjm_voltage('voltage_level') }}
        end as voltage_kv
    from {{ source('pjm', 'pnode') }}

),

named as (

    {{ with_listed_location('stepped', 'listed') }}

),

located as (

    {{ with_location_type('named', iso='pjm', published_type='published_type') }}

),

final as (

    {{ gridstatus_lmp_prices('located') }}

)

select * from final
