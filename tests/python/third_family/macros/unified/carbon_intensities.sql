{% macro carbon_intensities_from(iso, market, minutes, hourly, staging, own_ends=false) %}
{{ facts_of_every_dataset() }}
with loaded as not materialized (

    {{ carbon_rows(staging, own_ends) }}

),

repeats as (

    {{ ranked_repeats(family('carbon_intensities'), 'loaded', 60 * minutes) }}

),

kept as (

    {{ without_repeats(family('carbon_intensities'), 'loaded', 'repeats') }}

),

clock as (

    {{ clock_of('loaded', iso) }}

),

sorted as (

    select
        kept.*,
        clock.datetime_local
    from kept
    left join clock using (interval_start_utc)
    order by
        kept.interval_start_utc,
        kept.market_type,
        kept.zone_name

)

select
    interval_start_utc as datetime_utc,
    datetime_local,
    interval_start_utc,
    {{ 'interval_end_utc' if own_ends else plus_minutes('interval_start_utc', minutes) ~ ' as interval_end_utc' }},
    datetime_local::date as delivery_date,
    (hour(datetime_local) + 1)::utinyint as delivery_hour,
    {{ minutes }}::utinyint as interval_minutes,
    '{{ iso | upper }}' as iso,
    market_type,
    zone_name,
    intensity,
    {{ data_source_of('raw_file') }} as data_source,
    version,
    true as is_current
from sorted
{% endmacro %}


{% macro carbon_rows(staging, own_ends=false) %}
    {%- for name in staging %}
    select
        raw_file,
        raw_row,
        interval_start_utc,
        {%- if own_ends %}
        interval_end_utc,
        {%- endif %}
        market_type,
        zone_name,
        intensity + 0.0 as intensity,
        version
    from {{ ref(name) }}
    where set_aside is null
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{% macro carbon_intensities_questions(dataset) %}
    {{ return({'repeats': repeat_counts(family('carbon_intensities'), carbon_rows(dataset.staging), 60 * dataset.minutes)}) }}
{% endmacro %}
