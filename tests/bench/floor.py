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
DAY_AHEAD = {"market": "DA", "minutes": "60", "place": "0"}
REAL_TIME = {**DAY_AHEAD, "market": "RT"}
FIVE_MINUTES = {
    "market": "RT",
    "minutes": "5",
    "place": "(minute(datetime_local) // 5 + 1)",
}
QUARTERS = {**FIVE_MINUTES, "minutes": "15", "place": "(minute(datetime_local) // 15 + 1)"}
OPR_INTERVAL = "'OPR_INTERVAL': 'varchar', "
CAISO_DAY_AHEAD = {"value": "MW", "before": OPR_INTERVAL, "after": ""}
CAISO_REAL_TIME = {"before": "", "after": OPR_INTERVAL}
NYISO_HOURLY = {"back": "0", "form": "%m/%d/%Y %H:%M"}
NYISO_RUNS = {"back": "5", "form": "%m/%d/%Y %H:%M:%S"}
# By report: operator, template and the words in it.
REPORTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "da_hrl_lmps": ("pjm", "pjm_lmps", {"market": "da", "minutes": "60"}),
    "rt_hrl_lmps": ("pjm", "pjm_lmps", {"market": "rt", "minutes": "60"}),
    "rt_fivemin_hrl_lmps": ("pjm", "pjm_lmps", {"market": "rt", "minutes": "5"}),
    "prc_lmp": ("caiso", "caiso_lmps", DAY_AHEAD | CAISO_DAY_AHEAD),
    "prc_rtpd_lmp": ("caiso", "caiso_lmps", QUARTERS | CAISO_REAL_TIME | {"value": "PRC"}),
    "prc_intvl_lmp": ("caiso", "caiso_lmps", FIVE_MINUTES | CAISO_REAL_TIME | {"value": "VALUE"}),
    "np4-190-cd": ("ercot", "ercot_prices", {}),
    "np6-905-cd": ("ercot", "ercot_quarters", {}),
    "damlbmp_gen+damlbmp_zone": ("nyiso", "nyiso_lbmps", DAY_AHEAD | NYISO_HOURLY),
    "rtlbmp_gen+rtlbmp_zone": ("nyiso", "nyiso_lbmps", REAL_TIME | NYISO_HOURLY),
    "realtime_gen+realtime_zone": ("nyiso", "nyiso_lbmps", FIVE_MINUTES | NYISO_RUNS),
    "da_expost_lmp": ("miso", "miso_lmps", DAY_AHEAD | HOUR_COLUMNS),
    "rt_lmp_final": ("miso", "miso_lmps", REAL_TIME | HOUR_COLUMNS),
    "5min_lmp": ("miso", "miso_five_minutes", {}),
    "ww_dalmp_iso": ("isone", "isone_daily", DAY_AHEAD),
    "lmp_rt_final": ("isone", "isone_daily", REAL_TIME),
    "lmp_5min": ("isone", "isone_five_minutes", {}),
    "da-lmp-sl": ("spp", "spp_lmps", DAY_AHEAD),
    "rtbm-lmp-sl": ("spp", "spp_lmps", FIVE_MINUTES),
    "rtbm-lmp-daily-sl": ("spp", "spp_lmps", FIVE_MINUTES),
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
        # A list must name files, but those of a condition that is false are not read.
        "unpadded": listed([path for path in files if path not in padded] or files),
        "has_unpadded": str(len(padded) < len(files)).lower(),
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
