-- What the location lists of operators say of locations: one row per line, but for lines that are alike. Of
-- several files of a list the last one that has a location tells of it. Open dates are none.
create or replace temp table listed_locations as
with trimmed as (
    select
        iso,
        report,
        raw_file,
        regexp_replace(trim(settlement_location_id), '^([0-9]+)[.]0*$', '\1') as settlement_location_id,
        nullif(trim(settlement_location), '') as listed_name,
        nullif(trim(location_type), '') as listed_type,
        nullif(trim(zone), '') as listed_zone,
        nullif(trim(voltage_kv), '') as voltage,
        nullif(trim(effective_date), '') as effective,
        nullif(trim(retirement_date), '') as retirement,
        try_cast(nullif(trim(latitude), '') as double) as latitude,
        try_cast(nullif(trim(longitude), '') as double) as longitude,
        details,
        open_end
    from list_rows
    where nullif(trim(settlement_location_id), '') is not null
),

-- Operators write the time with AM or PM, or none; a spreadsheet writes it without.
dated as (
    select
        * exclude (voltage, effective, retirement),
        try_cast(regexp_extract(voltage, '^[0-9]+([.][0-9]+)?') as double) as voltage_kv,
        coalesce(
            try_cast(effective as timestamp),
            try_strptime(
                effective,
                ['%-m/%-d/%Y %-I:%M:%S %p', '%-m/%-d/%Y %-H:%M:%S', '%-m/%-d/%Y %-H:%M', '%-m/%-d/%Y']
            )
        )::date as effective_date,
        coalesce(
            try_cast(retirement as timestamp),
            try_strptime(
                retirement,
                ['%-m/%-d/%Y %-I:%M:%S %p', '%-m/%-d/%Y %-H:%M:%S', '%-m/%-d/%Y %-H:%M', '%-m/%-d/%Y']
            )
        )::date as retirement_date
    from trimmed
),

ended as (
    select
        * replace (
            case
                when year(retirement_date) < 9999 and retirement_date is distinct from open_end::date
                    then retirement_date
            end as retirement_date
        )
    from dated
),

last_files as (
    select *
    from ended
    qualify raw_file = max(raw_file) over (partition by iso, report, settlement_location_id)
)

select distinct * exclude (raw_file, open_end)
from last_files
