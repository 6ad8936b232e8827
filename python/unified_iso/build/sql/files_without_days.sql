-- Files whose exact days a plan needs, because no name tells them or because something depends on them.
select files.file_id
from inventory.dataset_files as files
left join inventory.file_days as likely on files.model = likely.model and files.file_id = likely.file_id
left join inventory.parts as parts on files.model = parts.model and likely.part = parts.part
where
    files.model = $model
    and files.lines_used is null
group by files.file_id
having
    count(likely.file_id) = 0
    or count(parts.part) > 0
    or bool_or(files.is_cumulative)
    or (
        len($years::usmallint[]) > 0
        and not bool_or(list_contains($years::usmallint[], year(likely.delivery_date)))
        and files.file_id in (
            select days.file_id
            from inventory.coverage as days
            where list_contains($years::usmallint[], year(days.delivery_date))
        )
    )
