"""A raw folder of ERCOT, generated years with their truth among it, and what a build made of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from building import Ran, build, query
from unified_iso.sample import SampleOptions, write_sample

# First day, days and options of a generated case, by its delivery year.
Generated = Mapping[int, tuple[date, int, SampleOptions]]


@dataclass(frozen=True)
class Published:
    """A raw folder, the truth of its generated cases by year, and what was made of it."""

    raw: Path
    truth: dict[int, Path]
    out: Path
    ran: Ran
    dataset: str

    def year(self, year: int) -> str:
        """Path of a published year file."""
        name = f"{self.dataset}_{year}.parquet"
        return str(self.out / "parquet/ercot" / self.dataset / name)


def publish(
    raw: Path, truth: dict[int, Path], dataset: str, *options: str, check: int | None = 0
) -> Published:
    out = raw.with_name("out")
    return Published(raw, truth, out, build(raw, out, "ercot", *options, check=check), dataset)


def publish_cases(
    folder: Path, dataset: str, generated: Generated, arranges: Sequence[Callable[[Path], None]]
) -> Published:
    """Generate cases of 30 points, let others be arranged beside them, and build all at once."""
    raw, truth = folder / "raw", {}
    for year, (start, days, options) in generated.items():
        write_sample(raw, isos=["ercot"], start=start, days=days, nodes=30, options=options)
        truth[year] = folder / f"truth_{year}.parquet"
        (raw / f"truth/ercot/{dataset}.parquet").rename(truth[year])
    shutil.rmtree(raw / "truth")
    for arrange in arranges:
        arrange(raw)
    return publish(raw, truth, dataset)


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def rows(path: str, columns: str, condition: str = "true") -> list[tuple[Any, ...]]:
    found = query(f"select {columns} from read_parquet($1) where {condition}", path)
    return [
        tuple(
            cell.astimezone(UTC) if isinstance(cell, datetime) and cell.tzinfo else cell
            for cell in row
        )
        for row in found
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
