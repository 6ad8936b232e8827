select md5(string_agg(told, chr(10) order by told))
from (select concat_ws(' ', test, status, failures) as told from inventory.test_results) as results
