"""What polars' streaming engine needs for the same rows in the published order, nothing checked.

`python polars_sorted.py REPORT RAW OUT`: typed scan of all raw files of a PJM report, the columns
of the floor, sorted, zstd, row groups of 122,880. Polars is no dependency of this package: whoever
measures calls `python_with_polars` first, for an interpreter that has it.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

VERSION = "2.1.0"
# By report: its name in the columns of prices, and the minutes of an interval.
MARKETS = {"da_hrl_lmps": ("da", 60), "rt_fivemin_hrl_lmps": ("rt", 5)}
ROW_GROUP_ROWS = 122_880


class NotInstalled(RuntimeError):
    """Polars can't be had here; the text says why."""


def python_with_polars(folder: Path) -> Path:
    """Return an interpreter that has polars, from a virtual environment made once in `folder`.

    Raises NotInstalled with the last line of what pip said.
    """
    python = folder / "bin" / "python"
    done = folder / f"polars-{VERSION}"
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", f"polars=={VERSION}"]
        ran = subprocess.run(install, capture_output=True, text=True, check=False)
        if ran.returncode:
            said = ran.stderr.strip().splitlines() or ["pip failed"]
            raise NotInstalled(said[-1])
        done.touch()
    return python


def main() -> None:
    """Write the sorted file."""
    report, raw, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    files = sorted((raw / "pjm" / report).rglob("*.csv"))
    prices(files, *MARKETS[report]).sink_parquet(
        out, compression="zstd", row_group_size=ROW_GROUP_ROWS, engine="streaming"
    )


def prices(files: list[Path], market: str, minutes: int) -> pl.LazyFrame:
    """Return the rows of the files with the columns of the floor, in the published order."""
    import polars as pl

    schema = {
        "datetime_beginning_utc": pl.String,
        "datetime_beginning_ept": pl.String,
        "pnode_id": pl.UInt64,
        "pnode_name": pl.String,
        "voltage": pl.String,
        "equipment": pl.String,
        "type": pl.String,
        "zone": pl.String,
        f"system_energy_price_{market}": pl.Float64,
        f"total_lmp_{market}": pl.Float64,
        f"congestion_price_{market}": pl.Float64,
        f"marginal_loss_price_{market}": pl.Float64,
        "row_is_current": pl.String,
        "version_nbr": pl.UInt32,
    }
    scanned = pl.scan_csv(files, schema=schema, include_file_paths="data_source")
    stamp = pl.col("datetime_beginning_utc").str.to_datetime("%m/%d/%Y %I:%M:%S %p", time_unit="us")
    utc, local = pl.col("datetime_utc"), pl.col("datetime_local")
    with_utc = scanned.with_columns(stamp.dt.replace_time_zone("UTC").alias("datetime_utc"))
    with_local = with_utc.with_columns(
        utc.dt.convert_time_zone("America/New_York")
        .dt.replace_time_zone(None)
        .alias("datetime_local")
    )
    behind_utc = local - utc.dt.replace_time_zone(None)
    energy = pl.col(f"system_energy_price_{market}")
    columns = {
        "datetime_utc": utc,
        "datetime_local": local,
        "interval_start_utc": utc,
        "interval_end_utc": utc + pl.duration(minutes=minutes),
        "delivery_date": local.dt.date(),
        "delivery_hour": (local.dt.hour() + 1).cast(pl.UInt8),
        "delivery_interval": (local.dt.minute() // minutes).cast(pl.UInt8),
        "interval_minutes": pl.lit(minutes, pl.UInt8),
        "iso": pl.lit("PJM"),
        "market_type": pl.lit(market.upper()),
        "settlement_location": pl.col("pnode_name"),
        "settlement_location_type": pl.col("type"),
        "settlement_location_id": pl.col("pnode_id").cast(pl.String),
        "zone": pl.col("zone"),
        "voltage_kv": pl.col("voltage")
        .str.replace("KV", "", literal=True)
        .str.strip_chars()
        .cast(pl.Float64, strict=False),
        "lmp_total": pl.col(f"total_lmp_{market}"),
        "lmp_energy": energy,
        "lmp_congestion": pl.col(f"congestion_price_{market}"),
        "lmp_loss": pl.col(f"marginal_loss_price_{market}"),
        "system_lambda": energy,
        "dst_flag": pl.when(behind_utc > pl.duration(hours=-5))
        .then(pl.lit("Y"))
        .otherwise(pl.lit("N")),
        "data_source": pl.col("data_source"),
        "version": pl.col("version_nbr"),
        "is_current": pl.lit(True),
    }
    named = with_local.select(value.alias(name) for name, value in columns.items())
    return named.sort("datetime_utc", "settlement_location", "settlement_location_id")


if __name__ == "__main__":
    main()
