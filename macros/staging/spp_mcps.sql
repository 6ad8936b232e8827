{#- Reports of both markets have a line for each reserve zone and interval, told by its end in UTC. -#}
{% macro spp_mcp_rows(source, minutes) %}
    select
        mcps.*,
        {{ believable(plus_minutes(utc('mcps.gmtintervalend'), -minutes), 'spp') }} as interval_start_utc,
        mcps.gmtintervalend as utc_end,
        mcps.interval as local_end,
        {{ published_id('mcps."Reserve Zone"') }} as as_region,
        {{ trimmed('mcps.baa') }} as area,
        1::uinteger as version
    from {{ source }} as mcps
{% endmacro %}


{#- The name of a zone is its key, so one name in two balancing areas would be two prices for one key. Reports of hours
    and of five minutes have other columns, so that a file with stamps of the other length belongs to neither. -#}
{% macro spp_judged_mcps(rows, minutes, hourly_files=none) %}
    select
        mcps.*,
        case
            {%- if hourly_files %}
            when hourly_files.raw_file is not null
                then 'refused: has stamps on the hour alone (GMTIntervalEnd ' || hourly_files.first_stamp
                || ' is the first), where this report has prices every five minutes, so that nothing tells what they '
                || 'are of: download it again with all intervals'
            {%- endif %}
            {{- spp_time_faults('mcps', minutes, 'GMTIntervalEnd', off_hour="
                    'refused: has stamps off the hour (GMTIntervalEnd ' || mcps.utc_end || '), where this report has '
                    || 'hours: prices of real time in its columns, as those of before March 2015 may be, are not read'"
            ) }}
            when mcps.as_region is null then 'rejected: no Reserve Zone'
            when min(mcps.area) over of_key <> max(mcps.area) over of_key
                then 'rejected: Reserve Zone ' || mcps.as_region || ' in two balancing areas in this '
                    || '{{ 'hour' if minutes == 60 else 'interval' }}'
        end as fault
    from {{ rows }} as mcps
    {%- if hourly_files %}
    left join {{ hourly_files }} as hourly_files on mcps.raw_file = hourly_files.raw_file
    {%- endif %}
    window of_key as (partition by mcps.interval_start_utc, mcps.as_region)
{% endmacro %}


{#- Single intervals and whole days or years have the same columns. -#}
{% macro spp_real_time_mcps(source) %}
    with typed as (

        {{ spp_mcp_rows(source, minutes=5) }}

    ),

    hourly_files as (

        {{ files_on_the_hour('typed', stamp='utc_end') }}

    ),

    judged as (

        {{ spp_judged_mcps('typed', minutes=5, hourly_files='hourly_files') }}

    ),

    products as (

        {{ with_each_product('judged', prices={
            'RegUPService': 'regupservice',
            'RegDNService': 'regdnservice',
            'RegUpMile': 'regupmile',
            'RegDNMile': 'regdnmile',
            'RampUP': 'rampup',
            'RampDN': 'rampdn',
            'Spin': 'spin',
            'Supp': 'supp',
            'UncUP': 'uncup',
        }) }}

    ),

    named as (

        {{ with_product_name('products', iso='spp') }}

    )

    {{ ancillary_prices('named', market_type="'RT' as market_type", wide=true) }}
{% endmacro %}
