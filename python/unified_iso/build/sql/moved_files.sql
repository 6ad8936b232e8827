-- Files of the load that cover other parts than was known when it was chosen.
with covered as (
    select distinct
        days.file_id,
        case
            when datasets.part_length = 'month' then date_trunc('month', days.delivery_date)::date
            else days.delivery_date
        end as part
    from inventory.likely_days as days
    inner join inventory.datasets as datasets on datasets.model = $model
    where
        -- The reader skips other files by the bounds alone.
        days.file_id between $first_file and $last_file
        and days.file_id in (select files.file_id from load_files as files)
),

known as (
    select
        file_id,
        part
    from temp.files_now
    where file_id in (select files.file_id from load_files as files)
)

(
    select * from covered
    except
    select * from known
)
union all
(
    select * from known
    except
    select * from covered
)
