{#- What every family of datasets does with its rows. A family is a record of `vars.families` in dbt_project.yml. -#}

{% macro family(name) %}
    {{ return(var('families')[name]) }}
{% endmacro %}


{#- Rows whose key comes more than once, ranked by precedence: the one in place 1 is published. A row that lacks parts
    of its price, or what others tell beside it, does not replace one that has them and the same price: which price
    stands is told first, and then which row of that price and version. -#}
{% macro ranked_repeats(family, rows, grid_seconds) %}
    select
        raw_file,
        raw_row,
        {{ (family.key + family.compared) | join(', ') }},
        row_number() over precedence as place,
        first_value(row({{ family.compared | join(', ') }})) over precedence as winner
    from (
        select
            *,
            row(version, {{ family.price }}) = first_value(row(version, {{ family.price }})) over latest as has_price
        from {{ rows }}
        semi join (
            {{ series_with_repeats(family, rows, grid_seconds) }}
        ) as suspects using ({{ family.series | join(', ') }})
        window latest as (
            partition by {{ family.key | join(', ') }}
            order by version desc, raw_file desc, raw_row desc
            rows between unbounded preceding and unbounded following
        )
        qualify count(*) over latest > 1
    )
    window precedence as (
        partition by {{ family.key | join(', ') }}
        order by has_price desc, {{ filled_parts(family) }} desc, version desc, raw_file desc, raw_row desc
        rows between unbounded preceding and unbounded following
    )
{% endmacro %}


{#- Grouping all rows by their key costs as much as sorting them, so only the few series that have more rows than
    intervals are looked at. -#}
{% macro series_with_repeats(family, rows, grid_seconds) %}
    select {{ family.series | join(', ') }}
    from {{ rows }}
    group by {{ family.series | join(', ') }}
    having {{ intervals_seen(grid_seconds) }} < count(*)
{%- endmacro %}


{% macro filled_parts(family) %}
    {%- for part in family.parts + family.beside -%}
    ({{ part }} is not null)::integer{{ ' + ' if not loop.last }}
    {%- else -%}
    0
    {%- endfor -%}
{% endmacro %}


{#- A line may hold several rows, so its place alone does not identify one. -#}
{% macro without_repeats(family, rows, repeats) %}
    select *
    from {{ rows }}
    anti join (
        select
            raw_file,
            raw_row,
            {{ family.line_key | join(',\n            ') }}
        from {{ repeats }}
        where place > 1
    ) as superseded using (raw_file, raw_row, {{ family.line_key | join(', ') }})
    union all
    {{ impossible_row_of(rows) }}
{% endmacro %}


{#- Rows of dispatch runs from several reports. One that lacks a run, or begins with it, starts an interval before that of
    another report has ended. As in each report, a run that several places have ends the interval of all of them. Only a
    file that has both runs tells that one came before the other, so that one whose stamps are askew cuts no interval of
    others, but overlaps them, which a test finds. A row stays on its day, because it belongs to the part of it. -#}
{% macro runs_of_several_reports(rows, place, iso) %}
    {%- set zone = "(select markets.time_zone from " ~ ref('markets') ~ " as markets where markets.iso = '" ~ iso ~ "')" %}
    with of_reports as (

        {{ rows }}

    ),

    runs as (

        select
            interval_end_utc,
            max(run_ended_before) as run_ended_before
        from (
            select
                interval_end_utc,
                max(case when is_of_several_places then interval_end_utc end) over (
                    partition by raw_file
                    order by interval_end_utc
                    rows between unbounded preceding and 1 preceding
                ) as run_ended_before
            from (
                select
                    raw_file,
                    interval_end_utc,
                    min({{ place }}) <> max({{ place }}) as is_of_several_places
                from of_reports
                group by
                    raw_file,
                    interval_end_utc
            ) as ends
        ) as runs_of_files
        group by interval_end_utc

    )

    select
        of_reports.* replace (
            case
                when runs.run_ended_before > of_reports.interval_start_utc
                    and {{ to_local('runs.run_ended_before', zone) }}::date
                    = {{ to_local('of_reports.interval_start_utc', zone) }}::date
                    then runs.run_ended_before
                else of_reports.interval_start_utc
            end as interval_start_utc
        )
    from of_reports
    left join runs on of_reports.interval_end_utc = runs.interval_end_utc
{% endmacro %}


{#- How many of the ranked rows of each file were not published, and why. A row that has no other values than the
    winner is merged with it, though it may lack some. -#}
{% macro repeat_counts(family, rows, grid_seconds, ctes='') %}
    with
    {{ ctes }}

    loaded as not materialized (

        {{ rows }}

    ),

    repeats as (

        {{ ranked_repeats(family, 'loaded', grid_seconds) }}

    ),

    judged as (

        select
            raw_file,
            version < winner[{{ family.compared.index('version') + 1 }}] as is_older,
            {% for value in family.compared -%}
            ({{ value }} is null or {{ value }} is not distinct from winner[{{ loop.index }}])
            {{- ' and ' if not loop.last else ' as agrees' }}
            {% endfor %}
        from repeats
        where place > 1

    )

    select
        raw_file,
        case when agrees then 'merged' else 'superseded' end as term,
        case
            when agrees then 'equal to the published row'
            when is_older then 'lower version'
            else 'unequal, no version tells which is right'
        end as reason,
        count(*) as rows
    from judged
    group by all
{% endmacro %}


{#- A row of nulls that never comes lets DuckDB write every column as optional. Without it a column that has no nulls is
    written as required, and parts of unequal schema can't be joined. A condition that is known to be false before the
    query runs would be planned away, and the row with it. A column of `filled` is no null even in that row, and stays
    required where it is so in the rows. -#}
{% macro impossible_row_of(rows, filled=[]) %}
    {%- if filled %}
    select
        nulls.* replace (
            {%- for column in filled %}
            one.{{ column }} as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    from (select * from {{ rows }} limit 1) as one
    {%- else %}
    select columns(nulls.*)
    from (select 1) as nothing
    {%- endif %}
    left join {{ rows }} as nulls on false
    where {{ never() }}
{%- endmacro %}


{% macro never() %}
    {{- return(adapter.dispatch('never', 'unified_iso')()) -}}
{% endmacro %}


{% macro duckdb__never() %}
    random() < 0
{%- endmacro %}


{% macro clock_of(rows, iso) %}
    select
        intervals.interval_start_utc,
        {{ to_local('intervals.interval_start_utc', 'markets.time_zone') }} as datetime_local,
        {{ to_local('intervals.interval_start_utc', 'markets.time_zone') }}
        - {{ to_local('intervals.interval_start_utc', "'UTC'") }}
        > to_hours(markets.standard_utc_offset_hours) as is_daylight_time
    from (select distinct interval_start_utc from {{ rows }}) as intervals
    inner join {{ ref('markets') }} as markets on markets.iso = '{{ iso }}'
{% endmacro %}


{% macro data_source_of(raw_file) %}
    {{- return(adapter.dispatch('data_source_of', 'unified_iso')(raw_file)) -}}
{% endmacro %}


{#- The name is looked up in a list, because a join would lose the order of rows. -#}
{% macro duckdb__data_source_of(raw_file) %}
    (select list(data_source order by raw_file) from {{ source('inventory', 'open_files') }})[{{ raw_file }}]
{%- endmacro %}


{% macro intervals_seen(grid_seconds) %}
    {{- return(adapter.dispatch('intervals_seen', 'unified_iso')(grid_seconds)) -}}
{% endmacro %}


{% macro default__intervals_seen(grid_seconds) %}
    count(distinct interval_start_utc)
{%- endmacro %}


{#- One bit for each interval within 32 days, or within two where intervals start at any second, as their parts are days.
    In longer ranges intervals share bits, which undercounts and only makes a series be checked needlessly; to overcount
    would miss repeats. It takes a fifth of the time of count(distinct). -#}
{% macro duckdb__intervals_seen(grid_seconds) %}
    {%- set days = 32 if grid_seconds >= 60 else 2 %}
    {%- set intervals = days ~ ' * 24 * 3600 // ' ~ grid_seconds -%}
    bit_count(
        bitstring_agg(
            abs(epoch_us(interval_start_utc) // 1000000 // {{ grid_seconds }}) % ({{ intervals }}),
            0::bigint,
            ({{ intervals }} - 1)::bigint
        )
    )
{%- endmacro %}


{#- What becomes of the rows that a subset does not have. -#}
{% macro left_out_of_subset(dataset, subset_where) %}
    select
        data_source,
        'filtered' as term,
        {{ sql_text('not in this subset: ' ~ subset_where) }} as reason,
        count(*) as rows
    from {{ dataset }}
    where not coalesce({{ subset_where }}, false)
    group by all
{% endmacro %}


{#- The rows are sorted again, because a union promises no order. -#}
{% macro subset_of(dataset, family_name, subset_where, filled=[]) %}
{{ facts_of_every_dataset() }}
with kept as (

    select *
    from {{ dataset }}
    where {{ subset_where }}
    union all
    {{ impossible_row_of(dataset, filled) }}

)

select *
from kept
order by
    {{ family(family_name).order | join(',\n    ') }}
{% endmacro %}
