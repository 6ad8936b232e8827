-- ERCOT system lambda of the real-time dispatch, report NP6-322-CD. Two rows per SCED run: one in the quarter
-- of an hour in which it starts and one in the next, into which it may last.
-- Quirks: runs come about every five minutes and off any grid; RepeatedHourFlag marks the second pass of the
-- repeated hour; files of autumn 2026 have a capped and an uncapped lambda, and the capped one counts; the
-- number belongs to no settlement point, so a row is no price of its own.
with source as (

    select * from {{ source('ercot', 'np6_322_cd') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        sced_time_stamp,
        upper({{ trimmed('repeated_hour_flag') }}) as flag,
        upper({{ trimmed('repeated_hour_flag') }}) in ('Y', 'TRUE') as is_flagged,
        system_lambda
    from source

),

flagged as (

    select
        *,
        coalesce(is_flagged, false) as second_pass
    from typed

),

clocked as (

    {{ with_utc('flagged', iso='ercot', column='SCED time stamp', minutes=none, local='sced_time_stamp') }}

),

judged as (

    select
        raw_file,
        raw_row,
        interval_start_utc as run_start_utc,
        {{ start_of_step('interval_start_utc', 15) }} as quarter_start_utc,
        system_lambda,
        case
            when raw_fault is not null then raw_fault
            when sced_time_stamp is null then 'rejected: no SCED time stamp'
            when clock_error is not null then clock_error
            when flag is null or flag not in ('Y', 'N', 'TRUE', 'FALSE')
                then 'rejected: the flag of the repeated hour is neither Y nor N'
            {{- price_faults({'system lambda': 'system_lambda'}) }}
        end as fault
    from clocked

),

quarter_numbers as (

    select unnest([0, 1]) as quarter_number

),

-- A run that can't be right is rejected once.
quarters as (

    select
        judged.*,
        quarter_numbers.quarter_number
    from judged
    inner join quarter_numbers
        on quarter_numbers.quarter_number = 0 or judged.fault is null

),

final as (

    select
        raw_file,
        raw_row,
        (1 - quarter_number)::utinyint as raw_lines,
        {{ plus_minutes('quarter_start_utc', '15 * quarter_number') }} as interval_start_utc,
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
        run_start_utc,
        -- A run lasts until the next one, which is five minutes later as a rule. After twice that time one is
        -- missing, and nobody knows the price.
        {{ plus_minutes('run_start_utc', 10) }} as run_end_utc,
        1::uinteger as version,
        coalesce(fault, 'filtered: joined to the prices as system_lambda') as set_aside
    from quarters

)

select * from final
