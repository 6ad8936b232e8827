{#- Prices of hours as the means of their intervals in another dataset. The row of an hour is that of its last interval,
    with the means in place of its prices; an hour that lacks an interval has no row. -#}
{% macro energy_means_from(iso, market, minutes, means_of, intervals, hourly=true) %}
{{ facts_of_every_dataset() }}
with priced as (

    {{ with_means_of_hours(ref(means_of), intervals) }}

),

hours as (

    select *
    from priced
    where {{ stands_for_its_hour(intervals) }}
    union all
    {{ impossible_row_of('priced') }}

)

select
    hour_start_utc as datetime_utc,
    date_trunc('hour', datetime_local) as datetime_local,
    hour_start_utc as interval_start_utc,
    {{ plus_minutes('hour_start_utc', minutes) }} as interval_end_utc,
    delivery_date,
    delivery_hour,
    0::utinyint as delivery_interval,
    {{ minutes }}::utinyint as interval_minutes,
    '{{ iso | upper }}' as iso,
    '{{ market }}' as market_type,
    settlement_location,
    settlement_location_type,
    settlement_location_id,
    zone,
    voltage_kv,
    mean_lmp_total as lmp_total,
    mean_lmp_energy as lmp_energy,
    mean_lmp_congestion as lmp_congestion,
    mean_lmp_loss as lmp_loss,
    mean_system_lambda as system_lambda,
    dst_flag,
    data_source,
    highest_version as version,
    true as is_current
from hours
order by
    datetime_utc,
    settlement_location,
    settlement_location_id
{% endmacro %}


{#- Prices are summed as decimals, because a sum of doubles depends on the order in which threads come to them. Ten
    decimals of the mean leave away what a double can't hold and keep total and components together. -#}
{% macro with_means_of_hours(dataset, intervals) %}
    select
        *,
        {{ start_of_step('datetime_utc', 60) }} as hour_start_utc,
        count(*) over same_hour as intervals_of_hour,
        max(datetime_utc) over same_hour as last_of_hour,
        max(version) over same_hour as highest_version,
        {%- for price in ['lmp_total', 'lmp_energy', 'lmp_congestion', 'lmp_loss', 'system_lambda'] %}
        case
            when count({{ price }}) over same_hour = {{ intervals }}
                then round((sum({{ price }}::decimal(18, 8)) over same_hour)::double / {{ intervals }}, 10)
        end as mean_{{ price }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ dataset }}
    window same_hour as (partition by settlement_location_id, {{ start_of_step('datetime_utc', 60) }})
{% endmacro %}


{% macro stands_for_its_hour(intervals) %}
    intervals_of_hour = {{ intervals }} and datetime_utc = last_of_hour
{%- endmacro %}


{#- What becomes of the rows that no hour stands for. -#}
{% macro left_out_of_means(dataset, intervals) %}
    select
        data_source,
        case when intervals_of_hour = {{ intervals }} then 'merged' else 'filtered' end as term,
        case
            when intervals_of_hour = {{ intervals }} then 'averaged into their hour'
            else 'its hour lacks intervals'
        end as reason,
        count(*) as rows
    from ({{ with_means_of_hours(dataset, intervals) }})
    where not ({{ stands_for_its_hour(intervals) }})
    group by all
{% endmacro %}
