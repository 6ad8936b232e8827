"""The floor a build is measured against: one unsorted COPY of the same 24 columns.

`python floor.py REPORT[+REPORT] RAW OUT`: typed read_csv of the raw files, zstd, row groups of
122,880, no order, insertion order off, in a process of its own. What a report's columns become
stands in `floors/`, with an ending that dbt does not take for a test.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from string import Template

import duckdb

HOURS = [f"HE {hour}" for hour in range(1, 25)]
HOUR_COLUMNS = {
    "columns": ", ".join(f"'{hour}': 'double'" for hour in HOURS),
    "prices": "[" + ", ".join(f'"{hour}"' for hour in HOURS) + "]",
}
REPORTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "da_hrl_lmps": ("pjm", "pjm_lmps", {"market": "da", "minutes": "60"}),
    "rt_fivemin_hrl_lmps": ("pjm", "pjm_lmps", {"market": "rt", "minutes": "5"}),
    "prc_lmp": ("caiso", "caiso_lmps", {}),
    "np4-190-cd": ("ercot", "ercot_prices", {}),
    "damlbmp_gen+damlbmp_zone": ("nyiso", "nyiso_lbmps", {}),
    "da_expost_lmp": ("miso", "miso_lmps", HOUR_COLUMNS),
    "ww_dalmp_iso": ("isone", "isone_daily", {}),
    "da-lmp-sl": ("spp", "spp_lmps", {}),
}


def main() -> None:
    """Write the floor's file."""
    report, raw, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    iso, template, names = REPORTS[report]
    folders = [raw / iso / name for name in report.split("+")]
    files = sorted(path for folder in folders for path in folder.rglob("*.csv"))
    padded = {path for path in files if has_padded_stamps(path)}
    lists = {
        "files": listed(files),
        "padded": listed(path for path in files if path in padded),
        "unpadded": listed(path for path in files if path not in padded),
    }
    sql = (Path(__file__).parent / "floors" / f"{template}.template").read_text()
    with duckdb.connect(config={"memory_limit": "1600MB", "threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{out}.tmp'")
        query = Template(sql).substitute(names, **lists)
        connection.execute(
            f"copy ({query}) to '{out}' (format parquet, compression zstd, row_group_size 122880)"
        )


def has_padded_stamps(path: Path) -> bool:
    """Whether the first stamp of a file has seconds, and two digits for each of its parts."""
    with path.open() as stream:
        next(stream, "")
        return bool(re.match(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", next(stream, "")))


def listed(files: Iterable[Path]) -> str:
    """Return the files as a list in SQL."""
    return "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"


if __name__ == "__main__":
    main()
