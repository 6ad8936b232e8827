{% macro energy_prices_from(staging, lambda_from=none) %}
    {% set iso = config.require('iso') %}
    {% set minutes = config.require('minutes') %}
{{ facts_of_every_dataset() }}
-- Not materialized: a build has parsed these rows into a table already.
with loaded as not materialized (

    {% for relation in staging %}
    select
        raw_file,
        raw_row,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location_id,
        zone,
        voltage_kv,
        -- A price printed, rounded or turned to -0.0 is published as 0.0.
        lmp_total + 0.0 as lmp_total,
        lmp_energy + 0.0 as lmp_energy,
        lmp_congestion + 0.0 as lmp_congestion,
        lmp_loss + 0.0 as lmp_loss,
        version
    from {{ relation }}
    where set_aside is null
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

repeats as (

    {{ ranked_repeats('loaded', suspects_of('loaded', minutes)) }}

),

kept as (

    -- Not told by its line alone: a line with its hours as columns gives a row an interval.
    select *
    from loaded
    anti join (
        select
            raw_file,
            raw_row,
            interval_start_utc
        from repeats
        where place > 1
    ) as superseded using (raw_file, raw_row, interval_start_utc)
    union all
    -- Parquet marks a column as required where DuckDB knows it has no nulls; a null that is never
    -- there keeps all parts and years on one schema.
    select columns(rows.*)
    from (select 1) as nothing
    left join loaded as rows on false
    where false

),

{% if lambda_from %}
-- One number an interval, or prices would multiply; of several files the last has it.
system_lambdas as (

    select
        interval_start_utc,
        arg_max(system_lambda, row(raw_file, raw_row)) + 0.0 as system_lambda
    from {{ lambda_from }}
    where set_aside not like 'rejected: %'
    group by interval_start_utc

),

{% endif %}
clock as (

    select
        intervals.interval_start_utc,
        {{ to_local('intervals.interval_start_utc', 'markets.time_zone') }} as datetime_local,
        {% if lambda_from %}
        system_lambdas.system_lambda,
        {% endif %}
        {{ to_local('intervals.interval_start_utc', 'markets.time_zone') }}
        - {{ to_local('intervals.interval_start_utc', "'UTC'") }}
        > to_hours(markets.standard_utc_offset_hours) as is_daylight_time
    from (select distinct interval_start_utc from loaded) as intervals
    inner join {{ ref('markets') }} as markets on markets.iso = '{{ iso }}'
    {% if lambda_from %}
    left join system_lambdas on intervals.interval_start_utc = system_lambdas.interval_start_utc
    {% endif %}

),

-- Narrow rows are sorted, and only plain projections stand above: a join there would lose the order.
sorted as (

    select
        kept.*,
        clock.datetime_local,
        {% if lambda_from %}
        clock.system_lambda,
        {% endif %}
        clock.is_daylight_time
    from kept
    left join clock using (interval_start_utc)
    order by
        kept.interval_start_utc,
        kept.settlement_location,
        kept.settlement_location_id

)

select
    interval_start_utc as datetime_utc,
    datetime_local,
    interval_start_utc,
    {{ plus_minutes('interval_start_utc', minutes) }} as interval_end_utc,
    datetime_local::date as delivery_date,
    (hour(datetime_local) + 1)::utinyint as delivery_hour,
    {% if minutes == 60 %}
    0::utinyint as delivery_interval,
    {% else %}
    (minute(datetime_local) // {{ minutes }} + 1)::utinyint as delivery_interval,
    {% endif %}
    {{ minutes }}::utinyint as interval_minutes,
    '{{ iso | upper }}' as iso,
    '{{ config.require("market") }}' as market_type,
    settlement_location,
    settlement_location_type,
    settlement_location_id,
    zone,
    voltage_kv,
    lmp_total,
    lmp_energy,
    lmp_congestion,
    lmp_loss,
    {{ 'system_lambda' if lambda_from else 'lmp_energy as system_lambda' }},
    case when is_daylight_time then 'Y' else 'N' end as dst_flag,
    {{ data_source_of('raw_file') }} as data_source,
    version,
    true as is_current
from sorted
{% endmacro %}


{% macro energy_key() %}
    {{- return(['interval_start_utc', 'settlement_location_id']) -}}
{% endmacro %}


{% macro energy_values() %}
    {{- return(['version', 'lmp_total', 'lmp_energy', 'lmp_congestion', 'lmp_loss']) -}}
{% endmacro %}


{#- Grouping all rows by interval and location costs as much as sorting them: only the few locations that have
    more rows than intervals are looked at. -#}
{% macro suspects_of(rows, minutes) %}
    select settlement_location_id
    from {{ rows }}
    group by settlement_location_id
    having {{ intervals_seen(minutes) }} < count(*)
{% endmacro %}


{% macro intervals_seen(minutes) %}
    {{- return(adapter.dispatch('intervals_seen', 'unified_iso')(minutes)) -}}
{% endmacro %}


{% macro default__intervals_seen(minutes) %}
    count(distinct interval_start_utc)
{%- endmacro %}


{#- A bit for each interval of 32 days. Longer stretches share bits: too few does no harm, too many would. -#}
{% macro duckdb__intervals_seen(minutes) %}
    {%- set intervals = '32 * 24 * 60 // ' ~ minutes -%}
    bit_count(
        bitstring_agg(
            abs(epoch_us(interval_start_utc) // 60000000 // {{ minutes }}) % ({{ intervals }}),
            0::bigint,
            ({{ intervals }} - 1)::bigint
        )
    )
{%- endmacro %}


{#- A row that lacks components does not replace one that has them and the same price: which price stands is told
    first, and then which row of that price and version. -#}
{% macro ranked_repeats(rows, suspects) %}
    select
        raw_file,
        raw_row,
        {{ (energy_key() + energy_values()) | join(', ') }},
        row_number() over precedence as place,
        first_value(row({{ energy_values() | join(', ') }})) over precedence as winner
    from (
        select
            *,
            row(version, lmp_total) = first_value(row(version, lmp_total)) over latest as has_price
        from {{ rows }}
        semi join ({{ suspects }}) as suspects using (settlement_location_id)
        window latest as (
            partition by {{ energy_key() | join(', ') }}
            order by version desc, raw_file desc, raw_row desc
            rows between unbounded preceding and unbounded following
        )
        qualify count(*) over latest > 1
    )
    window precedence as (
        partition by {{ energy_key() | join(', ') }}
        order by has_price desc, {{ filled_components() }} desc, version desc, raw_file desc, raw_row desc
        rows between unbounded preceding and unbounded following
    )
{% endmacro %}


{% macro filled_components() %}
    {{- return("(lmp_energy is not null)::integer + (lmp_congestion is not null)::integer + (lmp_loss is not null)::integer") -}}
{% endmacro %}


{#- A row of `ranked_repeats` that has no other values than the winner, though it may lack some. -#}
{% macro agrees_with_winner() %}
    {%- for value in energy_values() -%}
    ({{ value }} is null or {{ value }} is not distinct from winner[{{ loop.index }}]){{ ' and ' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{% macro data_source_of(raw_file) %}
    {{- return(adapter.dispatch('data_source_of', 'unified_iso')(raw_file)) -}}
{% endmacro %}


{% macro duckdb__data_source_of(raw_file) %}
    getvariable('raw_file_names')[{{ raw_file }}]
{%- endmacro %}


{#- Seeds that building a dataset reads beside its own SQL: named here, so that selecting a dataset
    with its parents loads them. -#}
{% macro facts_of_every_dataset() %}
-- depends_on: {{ ref('markets') }}
-- depends_on: {{ ref('reports') }}
-- depends_on: {{ ref('component_tolerances') }}
-- depends_on: {{ ref('price_bounds') }}
-- depends_on: {{ ref('locations') }}
-- depends_on: {{ ref('location_types') }}
{% endmacro %}


{% macro subset_of(dataset, keep) %}
{{ facts_of_every_dataset() }}
select *
from {{ dataset }}
where {{ keep }}
order by
    datetime_utc,
    settlement_location,
    settlement_location_id
{% endmacro %}
