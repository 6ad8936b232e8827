insert into inventory.rejected_rows
select
    $model as model,
    file_id,
    data_source,
    line,
    message
from rejected
