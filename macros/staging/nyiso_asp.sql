{#- Reports of both markets tell the pass of the repeated hour by a mark beside the stamp. -#}
{% macro nyiso_asp_rows(source) %}
    select
        asp.*,
        asp."Time Stamp" as local_stamp,
        upper({{ trimmed('asp."Time Zone"') }}) as time_mark,
        coalesce(stamps.is_repeated, false) as is_repeated,
        coalesce(stamps.is_repeated and upper({{ trimmed('asp."Time Zone"') }}) = 'EST', false) as second_pass,
        {{ trimmed('asp."Name"') }} as as_region,
        1::uinteger as version
    from {{ source }} as asp
    left join (
        select
            listed.local_stamp,
            {{ is_repeated_hour('listed.local_stamp', 'markets.time_zone') }} as is_repeated
        from (select distinct "Time Stamp" as local_stamp from {{ source }}) as listed
        inner join {{ ref('markets') }} as markets on markets.iso = 'nyiso'
    ) as stamps on asp."Time Stamp" = stamps.local_stamp
{% endmacro %}


{#- Daylight time is four hours behind UTC. A mark that says the other thing shows that stamp or mark is wrong, and of
    two prices with one mark in the repeated hour nothing tells which is the first. -#}
{% macro nyiso_asp_marked(rows, instant) %}
    select
        *,
        case
            when time_mark is null then 'rejected: no Time Zone'
            when time_mark not in ('EST', 'EDT')
                then 'rejected: Time Zone "' || left(time_mark, 40) || '" is neither EST nor EDT'
            when (time_mark = 'EDT') <> ({{ instant }} - {{ utc('local_stamp') }} = interval 4 hours)
                then 'rejected: Time Zone ' || time_mark || ' contradicts Time Stamp ' || local_stamp
            when is_repeated and count(*) over (
                partition by raw_file, as_region, {{ instant }}
            ) > 1
                then 'rejected: Time Stamp ' || local_stamp || ' ' || time_mark
                    || ' comes twice, and this hour has two passes'
        end as pass_error
    from {{ rows }}
{% endmacro %}


{#- Names of products are the headings without their units. -#}
{% macro nyiso_asp_products(rows, prices) %}
    {%- set columns = {} %}
    {%- for heading in prices %}
        {%- do columns.update({heading.partition(' ($')[0]: adapter.quote(heading)}) %}
    {%- endfor %}
    {{- with_each_product(rows, prices=columns) }}
{% endmacro %}
