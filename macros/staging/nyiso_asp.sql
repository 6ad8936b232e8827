{#- What tells the pass of the repeated hour is a mark beside the stamp, in files without one an offset in the stamp, else
    the order of lines, for which told_pass is null. A line with a zone needs the mark if its file has the column.
    `of_zones` are columns with prices of a line's zone; files without zones have `of_area`, or columns whose names tell
    their region. -#}
{% macro nyiso_asp_rows(source, of_zones, of_area=none) %}
    {%- set mark = "upper(" ~ trimmed('asp."Time Zone"') ~ ")" %}
    {%- set zone = trimmed('asp."Name"') %}
    {%- set is_marked = mark ~ " is not null or (" ~ zone ~ " is not null and " ~ has_column('Time Zone') ~ ")" %}
    {%- set zonal_prices = [] %}
    {%- for heading in of_zones %}
        {%- do zonal_prices.append('asp.' ~ adapter.quote(heading)) %}
    {%- endfor %}
    {%- set is_of_area = "asp." ~ adapter.quote(of_area) ~ " is not null" if of_area else "false" %}
    select
        asp.*,
        asp."Time Stamp" as local_stamp,
        {{ mark }} as time_mark,
        coalesce(stamps.is_repeated, false) as is_repeated,
        {{ is_marked }} as is_marked,
        case
            when {{ is_marked }}
                then coalesce(stamps.is_repeated and {{ mark }} = 'EST', false)
            when asp.raw_instant is not null
                then coalesce(
                    stamps.is_repeated
                    and asp.raw_instant = {{ second_pass_to_utc('asp."Time Stamp"', 'stamps.time_zone') }},
                    false
                )
        end as told_pass,
        coalesce({{ zone }}, case when {{ is_of_area }} then 'NYCA' end) as as_region,
        case
            when {{ zone }} is null and not {{ is_of_area }} and coalesce({{ zonal_prices | join(', ') }}) is not null
                then 'rejected: no Name'
        end as place_error,
        coalesce(asp."Price Version", 1)::uinteger as version
    from {{ source }} as asp
    left join (
        select
            listed.local_stamp,
            markets.time_zone,
            {{ is_repeated_hour('listed.local_stamp', 'markets.time_zone') }} as is_repeated
        from (select distinct "Time Stamp" as local_stamp from {{ source }}) as listed
        inner join {{ ref('markets') }} as markets on markets.iso = 'nyiso'
    ) as stamps on asp."Time Stamp" = stamps.local_stamp
{% endmacro %}


{#- Daylight time is four hours behind UTC. A mark that says the other thing shows that stamp or mark is wrong. -#}
{% macro nyiso_mark_faults(mark, stamp, instant) %}
            when {{ mark }} not in ('EST', 'EDT')
                then 'rejected: Time Zone "' || left({{ mark }}, 40) || '" is neither EST nor EDT'
            when ({{ mark }} = 'EDT') <> ({{ instant }} - {{ utc(stamp) }} = interval 4 hours)
                then 'rejected: Time Zone ' || {{ mark }} || ' contradicts Time Stamp ' || {{ stamp }}
{%- endmacro %}


{#- Of two prices with one mark in the repeated hour nothing tells which is the first. -#}
{% macro nyiso_asp_marked(rows, instant) %}
    select
        * replace (
            case
                when not is_marked then pass_error
                when time_mark is null then 'rejected: no Time Zone'
                {{- nyiso_mark_faults('time_mark', 'local_stamp', instant) }}
                when is_repeated and count(*) over (
                    partition by raw_file, as_region, {{ instant }}
                ) > 1
                    then 'rejected: Time Stamp ' || local_stamp || ' ' || time_mark
                        || ' comes twice, and this hour has two passes'
            end as pass_error
        )
    from {{ rows }}
{% endmacro %}


{#- Names of products are the headings without their units. Columns of a region count in lines without a zone alone. -#}
{% macro nyiso_asp_products(rows, prices) %}
    {%- set columns = {} %}
    {%- for heading in prices %}
        {%- do columns.update({heading.partition(' ($')[0]: adapter.quote(heading)}) %}
    {%- endfor %}
    {%- for region in ['East', 'West', 'SENY'] %}
        {%- for heading in [
            '10 Min Spinning Reserve ($/MWHr)',
            '10 Min Non-Synchronous Reserve',
            '30 Min Operating Reserve ($/MWH)',
            'Regulation ($/MWHr)',
        ] %}
            {%- do columns.update({
                region ~ ' ' ~ heading.partition(' ($')[0]:
                    'case when as_region is null then ' ~ adapter.quote(region ~ ' ' ~ heading) ~ ' end'
            }) %}
        {%- endfor %}
    {%- endfor %}
    {{- with_each_product(rows, prices=columns) }}
{% endmacro %}
