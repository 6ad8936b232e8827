{#- Staging models are given by name: in `of_several_markets` those whose rows tell market and interval length, in
    `without_ids` those whose rows may have a name without an id or an id without a name, in `names_from` those whose
    rows are of other markets and tell names and ids alone. With `own_ends` rows tell
    their end, because the intervals of the market differ in length. -#}
{% macro energy_prices_from(
    iso,
    market,
    minutes,
    staging,
    hourly=false,
    of_several_markets=[],
    without_ids=[],
    names_from=[],
    own_ends=false,
    lambda_from=none,
    lambda_of_runs=false
) %}
{{ facts_of_every_dataset() }}
with
{{ complete_locations(staging, without_ids, names_from) }}

-- Not materialized, because a build has parsed these rows into a table already.
loaded as not materialized (

    {{ energy_rows(staging, market, minutes, of_several_markets, without_ids, iso if own_ends else none) }}

),

repeats as (

    {{ ranked_repeats(family('energy_prices'), 'loaded', 1 if own_ends else 60 * minutes) }}

),

kept as (

    {{ without_repeats(family('energy_prices'), 'loaded', 'repeats') }}

),

{% if lambda_from and lambda_of_runs %}
{{ lambdas_of_runs(ref(lambda_from), minutes) }}
{% elif lambda_from %}
-- One system lambda for each interval, from the last file that has it, because prices are joined to it.
system_lambdas as (

    select
        interval_start_utc,
        arg_max(system_lambda, row(raw_file, raw_row)) + 0.0 as system_lambda
    from {{ ref(lambda_from) }}
    where set_aside is null or set_aside not like 'rejected: %'
    group by interval_start_utc

),

{% endif %}
clock as (

    {{ clock_of('loaded', iso) }}

),

-- Narrow rows are sorted, and only plain projections stand above, because a join there would lose the order.
sorted as (

    select
        kept.*,
        {% if lambda_from %}
        system_lambdas.system_lambda,
        {% endif %}
        clock.datetime_local,
        clock.is_daylight_time
    from kept
    left join clock using (interval_start_utc)
    {% if lambda_from %}
    left join system_lambdas using (interval_start_utc)
    {% endif %}
    order by
        kept.interval_start_utc,
        kept.settlement_location,
        kept.settlement_location_id

)

select
    interval_start_utc as datetime_utc,
    datetime_local,
    interval_start_utc,
    {{ 'interval_end_utc' if own_ends else plus_minutes('interval_start_utc', minutes) ~ ' as interval_end_utc' }},
    datetime_local::date as delivery_date,
    (hour(datetime_local) + 1)::utinyint as delivery_hour,
    {{ '0' if hourly else '(minute(datetime_local) // ' ~ minutes ~ ' + 1)' }}::utinyint as delivery_interval,
    {{ minutes }}::utinyint as interval_minutes,
    '{{ iso | upper }}' as iso,
    '{{ market }}' as market_type,
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


{#- A run stands in each interval that it may reach into, so that an interval has all that is needed to tell when its
    runs end. A few seconds before the first run that is known must not cost an interval its lambda, but a part of it
    does not stand for the whole. Values are added up in order, because sums of doubles depend on it. -#}
{% macro lambdas_of_runs(runs, minutes) %}
-- One system lambda for each run and interval, from the last file that has it.
system_runs as (

    select
        interval_start_utc,
        run_start_utc,
        run_end_utc,
        {{ plus_minutes('interval_start_utc', minutes) }} as interval_end_utc,
        arg_max(system_lambda, row(raw_file, raw_row)) as system_lambda
    from {{ runs }}
    where set_aside is null or set_aside not like 'rejected: %'
    group by all

),

-- How long a run lasts within the interval: until the next run, and no longer than a run lasts.
held_runs as (

    select
        interval_start_utc,
        run_start_utc,
        system_lambda,
        date_diff(
            'second',
            greatest(run_start_utc, interval_start_utc),
            least(
                coalesce(
                    lead(run_start_utc) over (
                        partition by interval_start_utc
                        order by run_start_utc
                    ),
                    run_end_utc
                ),
                run_end_utc,
                interval_end_utc
            )
        ) as seconds
    from system_runs

),

-- The mean of the runs by their time, where they cover two thirds of the interval.
system_lambdas as (

    select
        interval_start_utc,
        case
            when sum(seconds) >= {{ minutes * 40 }}
                then round(
                    sum(system_lambda * seconds order by run_start_utc) / sum(seconds), 6
                ) + 0.0
        end as system_lambda
    from held_runs
    where seconds > 0
    group by interval_start_utc

),
{% endmacro %}


{#- Rows of staging relations that belong to a dataset, before repeats are told apart. With `without_ids` they read the
    CTE of complete_locations. Runs of the dispatch have the operator as `runs_of`. -#}
{% macro energy_rows(
    staging, market, minutes, of_several_markets=[], without_ids=[], runs_of=none
) %}
    {%- set rows = _rows_of_reports(staging, market, minutes, of_several_markets, without_ids, runs_of) %}
    {{- runs_of_several_reports(rows, 'settlement_location_id', runs_of) if runs_of else rows }}
{% endmacro %}


{% macro _rows_of_reports(staging, market, minutes, of_several_markets, without_ids, own_ends) %}
    {%- for name in staging %}
    select
        rows.raw_file,
        rows.raw_row,
        rows.interval_start_utc,
        {%- if own_ends %}
        rows.interval_end_utc,
        {%- endif %}
        '{{ market }}' as market_type,
        {%- if name in without_ids %}
        coalesce(complete.settlement_location, rows.settlement_location) as settlement_location,
        case when complete.known_by is null then rows.settlement_location_type else complete.settlement_location_type end
            as settlement_location_type,
        coalesce(complete.settlement_location_id, rows.settlement_location_id) as settlement_location_id,
        coalesce(rows.zone, complete.zone) as zone,
        coalesce(rows.voltage_kv, complete.voltage_kv) as voltage_kv,
        {%- else %}
        rows.settlement_location,
        rows.settlement_location_type,
        rows.settlement_location_id,
        rows.zone,
        rows.voltage_kv,
        {%- endif %}
        -- A price printed, rounded or turned to -0.0 is published as 0.0.
        rows.lmp_total + 0.0 as lmp_total,
        rows.lmp_energy + 0.0 as lmp_energy,
        rows.lmp_congestion + 0.0 as lmp_congestion,
        rows.lmp_loss + 0.0 as lmp_loss,
        rows.version
    from {{ ref(name) }} as rows
    {%- if name in without_ids %}
    left join complete
        on rows.settlement_location_id = rows.settlement_location
        and rows.settlement_location = complete.known_by
    {%- endif %}
    where rows.set_aside is null
        {%- if name in of_several_markets %}
        and rows.market_type = '{{ market }}'
        and rows.interval_minutes = {{ minutes }}
        {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{#- Locations that have both a name and an id, by the name where one location only has it, and by the id. Only those
    that rows without an id or a name ask for are looked up, so that nothing is read where there are none. A build
    gives the rows of one part, so that a part does not depend on what is loaded beside it. They are CTEs in front of
    all others and materialized, because DuckDB would plan them anew wherever the rows are named, which takes longer
    than a small part. -#}
{% macro complete_locations(staging, without_ids, names_from=[]) -%}
    {%- if without_ids %}
incomplete as materialized (

    {%- for name in without_ids %}
    select settlement_location
    from {{ ref(name) }}
    where set_aside is null
        and settlement_location_id = settlement_location
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

),

complete as materialized (

    {%- for key in ['settlement_location', 'settlement_location_id'] %}
    select
        {{ key }} as known_by,
        max(settlement_location) as settlement_location,
        max(settlement_location_id) as settlement_location_id,
        max(settlement_location_type) as settlement_location_type,
        max(zone) as zone,
        max(voltage_kv) as voltage_kv
    from (
        {%- for name in staging + names_from %}
        select distinct
            settlement_location,
            settlement_location_id,
            settlement_location_type,
            zone,
            voltage_kv
        from {{ ref(name) }}
        where {{ 'set_aside is null' if name in staging else is_read_for_names() }}
            and settlement_location_id <> settlement_location
            and {{ key }} in (select incomplete.settlement_location from incomplete)
        {{- '\n        union' if not loop.last }}
        {%- endfor %}
    ) as locations
    group by {{ key }}
    having count(distinct settlement_location_id) = 1
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

),
    {%- endif %}
{%- endmacro %}


{#- A build sets sound rows aside that it publishes nothing of, and counts them. -#}
{% macro is_read_for_names() %}
    coalesce(set_aside = 'filtered: joined to the prices for names and ids of locations', true)
{%- endmacro %}


{#- A build reads these seeds outside the model's SQL. They are named here, so that dbt counts them among the parents of
    a dataset and `--select +dataset` loads them. -#}
{% macro facts_of_every_dataset() %}
-- depends_on: {{ ref('markets') }}
-- depends_on: {{ ref('reports') }}
-- depends_on: {{ ref('component_tolerances') }}
-- depends_on: {{ ref('price_bounds') }}
-- depends_on: {{ ref('locations') }}
-- depends_on: {{ ref('location_types') }}
-- depends_on: {{ ref('domains') }}
{% endmacro %}


{#- What the engine asks of loaded rows beside the SQL of a dataset, by the question's name. -#}
{% macro energy_prices_questions(dataset) %}
    {% set rows = energy_rows(
        dataset.staging,
        dataset.market,
        dataset.minutes,
        dataset.of_several_markets or [],
        dataset.without_ids or [],
        dataset.iso if dataset.own_ends else none
    ) %}
    {% set locations = complete_locations(dataset.staging, dataset.without_ids or [], dataset.names_from or []) %}
    {% set questions = {'repeats': repeat_counts(
        family('energy_prices'), rows, 1 if dataset.own_ends else 60 * dataset.minutes, locations
    )} %}
    {% if dataset.greenhouse_gas %}
        {% do questions.update({'component_breaks': component_breaks(
            dataset.staging, dataset.greenhouse_gas, dataset.of_several_markets or [], dataset
        )}) %}
    {% endif %}
    {% if dataset.lambda_from %}
        {% do questions.update({'lambda_conflicts': lambda_conflicts(ref(dataset.lambda_from), dataset.lambda_of_runs)}) %}
    {% endif %}
    {{ return(questions) }}
{% endmacro %}


{#- System lambdas that gave way to another one of their interval or run. They are joined to the prices, so that no account
    of rows tells of it. A run stands in two intervals, and counts once. -#}
{% macro lambda_conflicts(lambdas, of_runs=false) %}
    {%- set instant = 'run_start_utc' if of_runs else 'interval_start_utc' %}
    select
        datetime_utc,
        system_lambda_used,
        system_lambda,
        {{ data_source_of('raw_file') }} as data_source
    from (
        select
            {{ instant }} as datetime_utc,
            raw_file,
            system_lambda,
            first_value(system_lambda) over (
                partition by {{ instant }}
                order by raw_file desc, raw_row desc
            ) as system_lambda_used
        from {{ lambdas }}
        where (set_aside is null or set_aside not like 'rejected: %')
            and raw_lines > 0
    ) as lambdas
    where system_lambda <> system_lambda_used
{% endmacro %}


{#- The published columns lack the greenhouse gas part, so a sum with it can be checked only while rows are loaded.
    If any location of an interval has that part, one without it is incomplete, and its sum is unknown. So it is from
    the instant on when areas joined the market whose part is not zero: whole files may lack it. -#}
{% macro component_breaks(staging, with_gas, of_several_markets, dataset) %}
    {%- for name in staging %}
    {%- set has_gas = name in with_gas %}
    {%- set parts = ['rows.lmp_energy', 'rows.lmp_congestion', 'rows.lmp_loss'] + (['rows.lmp_ghg'] if has_gas else []) %}
    {%- set total = 'rows.lmp_energy + rows.lmp_congestion + rows.lmp_loss'
        ~ (' + coalesce(rows.lmp_ghg, 0)' if has_gas else '') %}
    {%- set of_market %}
        {%- if name in of_several_markets %}
        and {rows}.market_type = '{{ dataset.market }}'
        and {rows}.interval_minutes = {{ dataset.minutes }}
        {%- endif %}
    {%- endset %}
    select
        rows.interval_start_utc as datetime_utc,
        rows.settlement_location,
        rows.lmp_total,
        {%- if has_gas %}
        case
            when rows.lmp_ghg is not null
                or (
                    rows.interval_start_utc < (
                        select min(greenhouse_gas_since)
                        from {{ ref('component_tolerances') }}
                        where iso = '{{ dataset.iso }}'
                            and market_type = '{{ dataset.market }}'
                    )
                    and rows.interval_start_utc not in (
                        select gas.interval_start_utc
                        from {{ ref(name) }} as gas
                        where gas.lmp_ghg is not null
                            and gas.set_aside is null
                            {{- of_market.replace('{rows}', 'gas') }}
                    )
                )
                then {{ total }}
        end as sum_of_components,
        {%- else %}
        {{ total }} as sum_of_components,
        {%- endif %}
        {{ data_source_of('rows.raw_file') }} as data_source
    from {{ ref(name) }} as rows
    where rows.set_aside is null
        {{- of_market.replace('{rows}', 'rows') }}
        and {{ do_not_add_up('rows.lmp_total', total, parts, ref('component_tolerances'), dataset.iso, dataset.market) }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{#- Condition that a price is further from the sum of its components than the publisher's rounding takes it.
    Beyond 50,000 $/MWh, where nothing is sane, no part makes the tolerance wider: one that is no number least. -#}
{% macro do_not_add_up(price, sum_of_components, components, tolerances, iso, market) %}
    {%- set of_market -%}
        from {{ tolerances }}
        where iso = '{{ iso }}' and market_type = '{{ market }}'
    {%- endset -%}
    abs({{ price }} - ({{ sum_of_components }})) > (
        select coalesce(max(tolerance), 0) + 1e-9
        {{ of_market }}
    ) + (
        select coalesce(max(relative_tolerance), 0)
        {{ of_market }}
    ) * least(greatest(abs({{ components | join('), abs(') }})), 50000)
{%- endmacro %}
