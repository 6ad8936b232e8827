{#- What the other time columns have to say of each interval: the label is the clock hour at its start plus
    one, but 25 in the second pass of the repeated hour. -#}
{% macro caiso_intervals(rows, minutes) %}
    select
        stamps.interval_start,
        {{ believable(utc('stamps.interval_start'), 'caiso') }} as interval_start_utc,
        stamps.interval_start + interval {{ minutes }} minute as interval_end,
        stamps.local_start::date as trade_date,
        case
            when stamps.local_start = stamps.local_start_before then 25
            else hour(stamps.local_start) + 1
        end as hour_label
    from (
        select
            printed.interval_start,
            {{ to_local(utc('printed.interval_start'), 'markets.time_zone') }} as local_start,
            {{ to_local(utc("printed.interval_start - interval 1 hour"), 'markets.time_zone') }}
                as local_start_before
        from (select distinct interval_start from {{ rows }}) as printed
        inner join {{ ref('markets') }} as markets on markets.iso = 'caiso'
    ) as stamps
{% endmacro %}


{#- Conditions of a `case` for what is wrong with the time of a line, beside that of its interval. -#}
{% macro caiso_time_faults(rows, minutes) %}
            when intervals.interval_start_utc is null and {{ rows }}.intervalstarttime_gmt is not null
                then {{ no_believable_time('INTERVALSTARTTIME_GMT', rows ~ '.intervalstarttime_gmt') }}
            when {{ off_grid(rows ~ '.intervalstarttime_gmt', minutes) }}
                then concat(
                    'rejected: INTERVALSTARTTIME_GMT ',
                    {{ rows }}.intervalstarttime_gmt,
                    ' is not the start of {{ length_in_words(minutes) }}'
                )
            when {{ rows }}.intervalendtime_gmt <> intervals.interval_end
                then concat(
                    'rejected: INTERVALENDTIME_GMT ',
                    {{ rows }}.intervalendtime_gmt,
                    ' is not {{ length_in_words(minutes) }} after INTERVALSTARTTIME_GMT ',
                    {{ rows }}.intervalstarttime_gmt
                )
            when {{ rows }}.opr_dt <> intervals.trade_date or {{ rows }}.opr_hr <> intervals.hour_label
                then concat(
                    'rejected: OPR_DT ',
                    {{ rows }}.opr_dt,
                    ' and OPR_HR ',
                    {{ rows }}.opr_hr,
                    ' are not the local time of INTERVALSTARTTIME_GMT ',
                    {{ rows }}.intervalstarttime_gmt
                )
{%- endmacro %}
