-- Reports that rows of a year come from, and whether a real file of them was ever seen.
select distinct
    reports.report,
    reports.seen
from inventory.current_accounts as accounts
inner join inventory.reports as reports
    on
        reports.iso = $iso
        and reports.report = split_part(accounts.data_source, '/', 2)
where
    accounts.model = $model
    and accounts.year = $year
    and accounts.term = 'published'
    and accounts.rows > 0
order by reports.report
