"""Seeded damage to raw files of every operator, and a judgement of what became of each.

Each damaged file has a delivery year of its own, beside sound years of the same operator, so that
one build treats more than a hundred. What a file may become: right rows, rows or the whole year
rejected with file and line, or refusal by name; and where the damage left a sound text that says
something else, also the rows it says now, or a year that a test holds back by name. Every row
published is compared with the generator's truth; only rows made of changed lines are compared
with a plain reading of the changed text.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from harness import Attack, Ran, build, manifest
from mutations import mutate
from oracle import SHAPES, SHARED_SHAPES, Key, Line, Reading, Shape, Value, read, unwrapped
from unified_iso.sample import SampleOptions, write_sample

LAST_YEAR = 2025
SOUND_YEARS = 2
# Months without a clock change: which pass an hour is does not hang on neighbouring lines then.
MONTHS = (1, 2, 5, 6, 7, 8, 9, 12)
PRICES = ("lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss")
EXACT = 1e-9
SHOWN = 3

Row = dict[str, Any]


@dataclass(frozen=True)
class Original:
    """A sound file of a shape: its text and the rows it stands for."""

    shape: Shape
    year: int
    name: str
    text: bytes
    truth: dict[Key, Row]
    helpers: tuple[tuple[str, bytes], ...] = ()

    @cached_property
    def lines_of(self) -> dict[Key, set[bytes]]:
        """Lines of the text that make the row of a key."""
        found: dict[Key, set[bytes]] = {}
        for line in read(self.shape, self.text, self.name).lines:
            for key in line.keys:
                found.setdefault(key, set()).add(line.text)
        return found


@dataclass
class Subject:
    """A file in the raw folder under attack; `done` is empty for a sound one."""

    original: Original
    path: str
    content: bytes
    done: str
    readings: dict[str, Reading] | None = None
    # What the build made of it.
    rows: list[Row] = field(default_factory=list)
    refused: str = ""
    rejected: dict[str, set[int | None]] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The dataset of its rows."""
        return self.original.shape.model

    @property
    def changed_keys(self) -> set[Key]:
        """Rows that are not made of the very lines they were made of, and no others."""
        there = {line.text for reading in (self.readings or {}).values() for line in reading.lines}
        known = set().union(*self.original.lines_of.values())
        gone = {key for key, lines in self.original.lines_of.items() if not lines <= there}
        return gone | {
            key
            for reading in (self.readings or {}).values()
            for line in reading.lines
            if line.text not in known
            for key in line.keys
        }

    @property
    def touched_years(self) -> set[int]:
        """Years that rows made of changed lines would go to."""
        known = set(self.original.text.replace(b"\r", b"").split(b"\n"))
        return {
            (key[0] - timedelta(hours=7)).year
            for reading in (self.readings or {}).values()
            for line in reading.lines
            if line.text not in known
            for key in line.keys
        } | ({self.original.year} if self.says_otherwise else set())

    @property
    def says_otherwise(self) -> bool:
        """Whether the damaged text is sound in places where it says something else.

        That may be in a column that this reader does not read, as the greenhouse gas part is.
        """
        known = set().union(*self.original.lines_of.values())
        return any(
            line.keys and line.text not in known
            for reading in (self.readings or {}).values()
            for line in reading.lines
        ) or any(
            values != {value_of(self.original.truth[key])} if key in self.original.truth else True
            for reading in (self.readings or {}).values()
            for key, values in reading.rows.items()
        )


def originals(folder: Path, shapes: Sequence[Shape], seed: int) -> list[Original]:
    """Generate a file of each shape for its years, which the reports of a market share."""
    rng = random.Random(seed)
    found = []
    for shape in shapes:
        mine = [s for s in shapes if s.iso == shape.iso]
        for year in range(shape.first_year, LAST_YEAR + 1):
            if year % len(mine) == mine.index(shape):
                day = date(year, rng.choice(MONTHS), rng.randrange(1, 29))
                found.append(original_of(folder / shape.folder / str(year), shape, day))
    return found


def original_of(folder: Path, shape: Shape, day: date) -> Original:
    """Generate a day of a report, with its truth, in a folder of its own."""
    reports = (shape.report, *shape.helpers)
    options = SampleOptions(overlap=False, revisions=False, reports=reports)
    files = write_sample(folder, isos=[shape.iso], start=day, days=1, nodes=2, options=options)
    mine = [f for f in files if f.parent.name == shape.report and f.suffix == ".csv"]
    truth = _rows(folder / "truth" / shape.iso / f"{shape.dataset}.parquet")
    source = f"{shape.folder}/{mine[0].name}"
    return Original(
        shape,
        day.year,
        mine[0].name,
        mine[0].read_bytes(),
        {key_of(row): row for row in truth if row["data_source"] == source},
        tuple(
            (f"{shape.iso}/{f.parent.name}/{f.name}", f.read_bytes())
            for f in files
            if f.parent.name in shape.helpers
        ),
    )


def _rows(path: Path | str) -> list[Row]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        cursor = connection.execute(
            "select * from read_parquet($1, hive_partitioning = false)", [str(path)]
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def key_of(row: Row) -> Key:
    """What a published row is about."""
    instant: datetime = row["datetime_utc"]
    return instant.astimezone(UTC), row["settlement_location_id"]


def value_of(row: Row) -> Value:
    """What a published row says, as a reading has it."""
    return (row["settlement_location"], *(row[name] for name in PRICES))


def unread_truth(original: Original) -> str | None:
    """Say where the plain reading of a sound file is not its truth; None where it is."""
    reading = read(original.shape, original.text, original.name)
    by_name = original.shape.report == "gridstatus_lmp"
    said = {(k if not by_name else (k[0], v[0])): v for k, vs in reading.rows.items() for v in vs}
    true = {
        (k if not by_name else (k[0], row["settlement_location"])): value_of(row)
        for k, row in original.truth.items()
    }
    for key in {*said, *true}:
        if key not in said or key not in true or not _same(said[key], true[key]):
            return f"{original.name}: {key} reads {said.get(key)}, is {true.get(key)}"
    return None


def _same(one: Value, other: Value) -> bool:
    return one[0] == other[0] and all(
        a == b or (a is not None and b is not None and abs(a - b) < EXACT)
        for a, b in zip(one[1:], other[1:], strict=True)
    )


# --- One round: damage, build, judge --------------------------------------------------------------


def damage(given: Sequence[Original], rng: random.Random) -> list[Subject]:
    """Damage all files but some sound years of each dataset."""
    subjects = []
    for shape in dict.fromkeys(original.shape for original in given):
        mine = [original for original in given if original.shape == shape]
        sound = rng.sample(mine, SOUND_YEARS)
        for original in mine:
            name, content, done = original.name, original.text, ""
            if original not in sound:
                name, content, done = mutate(rng, original.name, original.text)
            subjects.append(Subject(original, f"{shape.folder}/{name}", content, done))
    for subject in subjects:
        subject.readings = readings_of(subject)
    return subjects


def readings_of(subject: Subject) -> dict[str, Reading] | None:
    """Readings by data_source; None where the file can't be opened."""
    members = unwrapped(subject.path, subject.content)
    if members is None:
        return None
    shape = subject.original.shape
    return {
        f"{subject.path}!{member}" if member else subject.path: read(
            shape, text, member or subject.original.name
        )
        for member, text in members
        if not member or member.lower().endswith(".csv")
    }


def put(subjects: Sequence[Subject], raw: Path) -> None:
    """Write the raw folder."""
    shutil.rmtree(raw, ignore_errors=True)
    for subject in subjects:
        for path, content in ((subject.path, subject.content), *subject.original.helpers):
            file = raw / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def attack(report: Attack, work: Path, quick: bool, seed: int, rounds: int | None = None) -> None:
    """Damage, build and judge, several times with other seeds."""
    given = originals(work / "native", SHAPES, seed)
    shared = originals(work / "shared", SHARED_SHAPES, seed)
    # The ids of gridstatus's NYISO names are learnt from sound files of the operator itself.
    zone, gen = SHAPES[1], SHAPES[2]
    learnt = [
        original_of(work / "ids" / shape.report, shape, date(1999, 12, 20 + n))
        for n, shape in enumerate((zone, gen))
    ]
    for original in (*given, *shared):
        if fault := unread_truth(original):
            raise RuntimeError(f"the oracle does not read the generator's truth: {fault}")
    outcomes: Counter[str] = Counter()
    for number in range(rounds or (1 if quick else 6)):
        for group, also in ((given, []), (shared, learnt)):
            rng = random.Random(f"{seed} {number} {group is given}")
            label = f"seed {seed}, round {number}, {'native' if group is given else 'gridstatus'}"
            subjects = damage(group, rng)
            subjects += [Subject(o, f"{o.shape.folder}/{o.name}", o.text, "") for o in also]
            for subject in subjects[len(subjects) - len(also) :]:
                subject.readings = readings_of(subject)
            outcomes += _round(report, work, label, subjects, number % 2 == 0, halve=not quick)
    report.figures |= {name: str(count) for name, count in sorted(outcomes.items())}


def _round(
    report: Attack, work: Path, label: str, subjects: list[Subject], allow: bool, halve: bool
) -> Counter[str]:
    raw, out = work / "raw", work / "out"
    put(subjects, raw)
    shutil.rmtree(out, ignore_errors=True)
    isos = sorted({subject.original.shape.iso for subject in subjects})
    ran = build(raw, out, *isos, *(["--allow-rejects"] if allow else []))
    report.cases += sum(bool(subject.done) for subject in subjects)
    label = f"{label}{', --allow-rejects' if allow else ''}"
    report.says(f"{label}: {len(subjects)} files, exit code {ran.exit_code}, {ran.seconds:.0f} s")
    if ran.has_traceback or ran.exit_code not in (0, 1, 3):
        report.found(f"{label}: the build breaks, {ran.end}")
    if not (out / "metadata" / "manifest.json").exists():
        report.found(f"{label}: nothing is written, {ran.end}")
        return Counter()
    judgement = Judgement(subjects, out, ran)
    for model, reason in sorted(judgement.stopped.items()):
        because = f"; {_culprit(model, subjects, work, allow)}" if halve else ""
        report.found(f"{label}: {model}: {reason}{because}")
    outcomes: Counter[str] = Counter()
    for subject in subjects:
        faults = list(judgement.of(subject))
        if not faults:
            outcomes[judgement.outcome(subject)] += bool(subject.done)
        for fault in faults[:SHOWN]:
            report.found(f"{label}: {subject.path} ({subject.done or 'sound'}): {fault}")
    return outcomes


def _culprit(model: str, subjects: Sequence[Subject], work: Path, allow: bool) -> str:
    """Name a damaged file that holds sound years of its dataset back, found by halving."""
    sound = [subject for subject in subjects if subject.model == model and not subject.done]
    suspects = [subject for subject in subjects if subject.model == model and subject.done]
    while len(suspects) > 1:
        half = len(suspects) // 2
        for some in (suspects[:half], suspects[half:]):
            if _stops(model, [*sound, *some], work / "halving", allow):
                suspects = some
                break
        else:
            return f"only together: {', '.join(s.path for s in suspects[:SHOWN])} ..."
    return ", ".join(f"because of {suspect.path} ({suspect.done})" for suspect in suspects)


def _stops(model: str, subjects: Sequence[Subject], work: Path, allow: bool) -> bool:
    raw, out = work / "raw", work / "out"
    # Judging them writes into them what came of this build.
    subjects = [replace(subject) for subject in subjects]
    put(subjects, raw)
    shutil.rmtree(out, ignore_errors=True)
    iso = subjects[0].original.shape.iso
    ran = build(raw, out, iso, *(["--allow-rejects"] if allow else []))
    if not (out / "metadata" / "manifest.json").exists():
        return True
    return model in Judgement(subjects, out, ran).stopped


class Judgement:
    """What a build made of its subjects, and whether each outcome is one that may be."""

    def __init__(self, subjects: Sequence[Subject], out: Path, ran: Ran) -> None:
        self.subjects = subjects
        self.ran = ran
        told = manifest(out)
        self.unpublished = {(e["model"], e["year"]): e["reason"] for e in told["unpublished"]}
        self.published_keys: dict[str, dict[Key, list[Row]]] = {}
        refused = {entry["file"]: entry["reason"] for entry in told["refused"]}
        by_source: dict[str, list[Row]] = {}
        for path in sorted((out / "parquet").glob("*/*/*.parquet")):
            if "hub" in path.parent.name:
                continue
            model = f"{path.parent.parent.name}_{path.parent.name}"
            for row in _rows(path):
                by_source.setdefault(row["data_source"], []).append(row)
                self.published_keys.setdefault(model, {}).setdefault(key_of(row), []).append(row)
        rejected = _rejected(out)
        for subject in subjects:
            mine = [s for s in by_source if _is_of(s, subject.path)]
            subject.rows = [row for source in mine for row in by_source[source]]
            reasons = [text for file, text in refused.items() if _is_of(file, subject.path)]
            subject.refused = "; ".join(reasons)
            subject.rejected = {
                source: lines for source, lines in rejected.items() if _is_of(source, subject.path)
            }
        self.stopped = self._stopped()

    def _stopped(self) -> dict[str, str]:
        """Datasets of which every sound year is held back, with the reason of one."""
        found = {}
        for model in {subject.model for subject in self.subjects}:
            sound = [s for s in self.subjects if s.model == model and not s.done]
            touched = set().union(
                *(s.touched_years for s in self.subjects if s.model == model and s.done)
            )
            held = [s for s in sound if not s.rows and s.original.year not in touched]
            if held:
                year = held[0].original.year
                reason = self.unpublished.get((model, year), "without a word")
                found[model] = f"{len(held)} of {len(sound)} sound years held back: {reason}"
        return found

    def of_sound_years(self) -> Iterator[str]:
        """Faults of years whose file is sound."""
        for model, reason in sorted(self.stopped.items()):
            said = [line for line in self.ran.output.splitlines() if line.startswith("failed")]
            yield f"{model}: {reason} ({' / '.join(said)[:300]})"

    def outcome(self, subject: Subject) -> str:
        """Which of the outcomes that may be this one is."""
        if subject.refused and not subject.rows:
            return "refused by name"
        if not subject.rows:
            return "held back by name"
        return "rows and rejected lines" if subject.rejected else "right rows"

    def of(self, subject: Subject) -> Iterator[str]:
        """Faults in what became of a file."""
        yield from self._wrong_rows(subject)
        if subject.rows:
            yield from self._lost_lines(subject)
        elif not subject.refused and subject.model not in self.stopped:
            yield from self._unexplained(subject)

    def _unexplained(self, subject: Subject) -> Iterator[str]:
        """Of a file nothing is published, and the file is not refused."""
        years = {subject.original.year} | {
            (line.keys[0][0] - timedelta(hours=7)).year
            for reading in (subject.readings or {}).values()
            for line in reading.lines
            if line.keys
        }
        reasons = [self.unpublished.get((subject.model, year), "") for year in sorted(years)]
        reasons = [reason for reason in reasons if reason]
        if not reasons:
            if any(reading.lines for reading in (subject.readings or {"": Reading()}).values()):
                yield from (
                    self._lost_lines(subject)
                    if subject.rejected
                    else iter(["nothing of it is published, and it is not told of"])
                )
            elif not subject.rejected:
                yield "it holds nothing, and it is not told of"
            return
        by_line = any(subject.path in reason for reason in reasons)
        others = any(
            other is not subject and other.model == subject.model and years & other.touched_years
            for other in self.subjects
        )
        if not (by_line or subject.says_otherwise or others):
            yield f"its year is held back for another cause: {'; '.join(reasons)}"

    def _wrong_rows(self, subject: Subject) -> Iterator[str]:
        changed = subject.changed_keys
        values: dict[Key, set[Value]] = {}
        for reading in (subject.readings or {}).values():
            for key, said in reading.rows.items():
                values.setdefault(key, set()).update(said)
        for row in subject.rows:
            key, value = key_of(row), value_of(row)
            true = subject.original.truth.get(key)
            if any(price == 0 and str(price).startswith("-") for price in value[1:]):
                yield f"{key} is published with -0.0: {value}"
            is_changed = key in changed or self._name_key(subject, key, value) in changed
            if true is not None and not is_changed:
                wrong = [
                    name
                    for name in true
                    if name != "data_source"
                    and not _equal(row[name], true[name])
                    and not (row[name] is None and name in self._optional_parts(subject))
                ]
                if wrong:
                    yield f"{key}: {wrong[0]} is {row[wrong[0]]!r}, truly {true[wrong[0]]!r}"
                continue
            if true is not None and _same(value, value_of(true)):
                continue
            accepted = values.get(key, set()) | self._by_name(subject, key, value, values)
            if not any(_same(value, said) for said in accepted):
                near = [said for said in accepted][:1]
                yield f"{key} is published as {value}, read as {near or 'nothing'}"

    def _by_name(
        self, subject: Subject, key: Key, value: Value, values: dict[Key, set[Value]]
    ) -> set[Value]:
        """Rows of a report without ids, which are read under their names."""
        return values.get(self._name_key(subject, key, value), set())

    @staticmethod
    def _optional_parts(subject: Subject) -> tuple[str, ...]:
        """Prices that a file may lack: gridstatus's export has the columns that were asked for."""
        is_export = subject.original.shape.report == "gridstatus_lmp"
        return (*PRICES[1:], "system_lambda") if is_export and subject.done else ()

    @staticmethod
    def _name_key(subject: Subject, key: Key, value: Value) -> Key:
        """Key under which a row is read, whose report may have no ids."""
        if subject.original.shape.report != "gridstatus_lmp":
            return key
        return (key[0], str(value[0]))

    def _lost_lines(self, subject: Subject) -> Iterator[str]:
        """Lines that are neither published nor told of."""
        keys = self.published_keys.get(subject.model, {})
        # A line that nobody else can read may stand for a row that is published as it truly is.
        there = {line.text for r in (subject.readings or {}).values() for line in r.lines}
        spared = sum(
            any(_same(value_of(row), value_of(true)) for row in keys.get(key, []))
            and not subject.original.lines_of.get(
                self._name_key(subject, key, value_of(true)), set()
            )
            <= there
            for key, true in subject.original.truth.items()
        )
        names = {(key[0], row["settlement_location"]) for key, rows in keys.items() for row in rows}
        refused = subject.refused
        for source, reading in (subject.readings or {}).items():
            told = subject.rejected.get(source, set())
            if refused and source in refused:
                continue
            tokens = {line.token for line in reading.lines if line.number in told} - {None}
            first_quote = _first_open_quote(reading.lines)
            for line in reading.lines:
                is_told = line.number in told or (line.token is not None and line.token in tokens)
                is_swallowed = first_quote is not None and first_quote <= line.number and told
                is_there = (
                    line.keys
                    and not line.is_partly_broken
                    and all(k in keys or k in names for k in line.keys)
                )
                held = any(
                    (subject.model, (k[0] - timedelta(hours=7)).year) in self.unpublished
                    for k in line.keys
                )
                if is_told or is_swallowed or is_there or held or None in told:
                    continue
                if not line.keys and spared:
                    spared -= 1
                    continue
                others = f"; told of are lines {sorted(map(str, told))[:5]}" if told else ""
                yield f"line {line.number} is lost without a word: {line.text[:80]!r}{others}"


def _first_open_quote(lines: Sequence[Line]) -> int | None:
    for line in lines:
        if line.text.count(b'"') % 2:
            return line.number
    return None


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < EXACT
    return bool(one == other)


def _is_of(source: str, path: str) -> bool:
    return source == path or source.startswith((f"{path}!", f"{path}/"))


def _rejected(out: Path) -> dict[str, set[int | None]]:
    with duckdb.connect(str(out / ".unified-iso" / "work.duckdb"), read_only=True) as database:
        found: dict[str, set[int | None]] = {}
        for source, line in database.execute(
            "select data_source, line from inventory.rejected_rows"
            " union all select data_source, line from inventory.rejected_lines"
            " join inventory.raw_files using (file_id)"
        ).fetchall():
            found.setdefault(source, set()).add(line)
        return found
