-- Folders of reports that no dataset reads, with how many files they have.
select
    folder,
    files
from inventory.unread
order by folder
