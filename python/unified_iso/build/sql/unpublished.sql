select
    model,
    year,
    message as reason
from inventory.blocked
order by all
