-- NYISO prices of ancillary services in the shape the gridstatus library prints. One row per product, zone
-- and interval. Quirks: no column tells the market, and an hour is of the day-ahead one; a five-minute
-- stamp is an interval's end, from which gridstatus goes back five minutes even where a run came sooner or
-- later; the run before may be in the file of the day before. Regulation movement is left out by the
-- library.
with source as (

    select * from {{ source('nyiso', 'gridstatus_as') }}

),

typed as (

    {{ gridstatus_as_rows(
        'source',
        iso='nyiso',
        region=trimmed('"Zone"'),
        columns=[
            '10 Min Spin Reserves',
            '10 Min Non-Spin Reserves',
            '30 Min Reserves',
            'Regulation Capacity',
        ]
    ) }}

),

stepped as (

    {{ with_time_step('typed', is_off_grid="interval_minutes <> 5") }}

),

ended as (

    select
        *,
        case
            when time_error is null and interval_minutes = 5 then {{ plus_minutes('interval_start_utc', 5) }}
        end as run_end_utc
    from stepped

),

started as (

    {{ nyiso_runs_by_end('ended', location='as_region') }}

),

final as (

    {{ gridstatus_as_prices(
        'started',
        iso='nyiso',
        products={
            '10 Min Spin Reserves': '"10 Min Spin Reserves"',
            '10 Min Non-Spin Reserves': '"10 Min Non-Spin Reserves"',
            '30 Min Reserves': '"30 Min Reserves"',
            'Regulation Capacity': '"Regulation Capacity"',
        },
        own_ends=true
    ) }}

)

select * from final
