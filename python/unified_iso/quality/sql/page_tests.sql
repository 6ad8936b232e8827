select
    dataset,
    test,
    tests,
    rows_found::bigint as rows_found,
    failed,
    warned
from quality_tests
order by
    dataset,
    test
