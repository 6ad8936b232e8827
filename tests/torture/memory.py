"""Peak memory of the whole process tree, whatever the raw files."""

from __future__ import annotations

import gzip
import io
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import psutil

from harness import Attack
from unified_iso.sample import SampleOptions, write_sample

SAMPLED_EVERY = 0.05
# "Near the limit": what may lie between the limit and the peak.
TOLERANCE = 1.15
LONGEST_SECONDS = 1800
HEADER = (
    b"Time Stamp,Name,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr),"
    b"Marginal Cost Congestion ($/MWHr)\n"
)


def attack(report: Attack, work: Path, quick: bool, seed: int) -> None:
    """Build what is large, and what pretends to be small, within one and two gigabytes."""
    cases: dict[str, tuple[str, Callable[[Path], None]]] = {
        "many small files": ("nyiso", lambda raw: _many_files(raw, 300 if quick else 3000)),
        "one huge csv": ("pjm", lambda raw: _huge(raw, 60 if quick else 600, "csv")),
        "one huge gz": ("pjm", lambda raw: _huge(raw, 60 if quick else 600, "csv.gz")),
        "bombs": ("nyiso", lambda raw: _bombs(raw, 100 if quick else 1000)),
    }
    for name, (iso, write) in cases.items():
        raw = work / "raw"
        write(raw)
        for limit in (1,) if quick else (1, 2):
            report.cases += 1
            peak, code, seconds, text = peak_of(raw, work / "out", iso, f"{limit}GB")
            report.figures[f"{name} at {limit} GB"] = f"{peak / 1e9:.2f} GB, {seconds:.0f} s"
            report.says(f"{name} at {limit} GB: peak {peak / 1e9:.2f} GB, exit code {code}")
            if peak > limit * 1e9 * TOLERANCE:
                report.found(f"{name}: {peak / 1e9:.2f} GB of memory at a limit of {limit} GB")
            if code != (3 if name == "bombs" else 0):
                report.found(f"{name} at {limit} GB: exit code {code}: {text[-300:]}")
            shutil.rmtree(work / "out", ignore_errors=True)
        shutil.rmtree(raw)


def peak_of(raw: Path, out: Path, iso: str, limit: str) -> tuple[int, int, float, str]:
    """Run a build; return peak resident bytes of its tree, exit code, seconds and what it said."""
    folders = ["--raw", str(raw), "--out", str(out), "--memory-limit", limit]
    log = out.with_name("memory.log")
    start, peak = time.monotonic(), 0
    with log.open("w") as stream:
        running = subprocess.Popen(
            [sys.executable, "-m", "unified_iso", "build", iso, *folders],
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process = psutil.Process(running.pid)
        while running.poll() is None:
            try:
                tree = [process, *process.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in tree))
            except psutil.Error:
                continue
            finally:
                time.sleep(SAMPLED_EVERY)
            if time.monotonic() - start > LONGEST_SECONDS:
                running.send_signal(signal.SIGKILL)
    return peak, running.returncode, time.monotonic() - start, log.read_text(errors="replace")


def _many_files(raw: Path, count: int) -> None:
    options = SampleOptions(truth=False, overlap=False, reports=("damlbmp_gen",))
    start = date(2015, 1, 1)
    write_sample(raw, isos=["nyiso"], start=start, days=count, nodes=2, options=options)


def _huge(raw: Path, nodes: int, ending: str) -> None:
    """A year of PJM in one file: invented prices of so many locations, a tenth of a MB each."""
    path = raw / "pjm" / "da_hrl_lmps" / f"da_hrl_lmps_2023.{ending}"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"""
            copy (
                select
                    strftime(utc, '%-m/%-d/%Y %-I:%M:%S %p') as datetime_beginning_utc,
                    strftime(
                        timezone('America/New_York', timezone('UTC', utc)),
                        '%-m/%-d/%Y %-I:%M:%S %p'
                    ) as datetime_beginning_ept,
                    900000 + node as pnode_id,
                    'PLACE ' || node as pnode_name,
                    '138 KV' as voltage,
                    '' as equipment,
                    'GEN' as "type",
                    'ZONE ' || node % 20 as zone,
                    printf('%.2f', energy / 100) as system_energy_price_da,
                    printf('%.6f', energy / 100 + node / 1e6 - 0.5) as total_lmp_da,
                    printf('%.6f', node / 1e6) as congestion_price_da,
                    '-0.500000' as marginal_loss_price_da,
                    'True' as row_is_current,
                    1 as version_nbr
                from (
                    select
                        unnest(
                            generate_series(
                                timestamp '2023-01-01 05:00',
                                timestamp '2024-01-01 04:00',
                                interval 1 hour
                            )
                        ) as utc,
                        2000 + hash(utc) % 3000 as energy
                )
                cross join (select unnest(range({nodes})) as node)
            ) to '{path}' (format csv, header)
            """
        )


def _bombs(raw: Path, megabytes: int) -> None:
    """A few kilobytes that unpack to gigabytes, beside sound files."""
    write_sample(
        raw, isos=["nyiso"], start=date(2024, 3, 8), days=2, options=SampleOptions(truth=False)
    )
    folder = raw / "nyiso" / "damlbmp_zone"
    blank = b"\n" * (1 << 20)
    with gzip.open(folder / "20230501damlbmp_zone.csv.gz", "wb") as stream:
        stream.write(HEADER)
        for _ in range(megabytes):
            stream.write(blank)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened,
        opened.open("20230601damlbmp_zone.csv", "w", force_zip64=True) as stream,
    ):
        stream.write(HEADER)
        for _ in range(megabytes):
            stream.write(blank)
    (folder / "20230601damlbmp_zone.zip").write_bytes(packed.getvalue())
