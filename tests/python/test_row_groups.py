"""Tests of joining Parquet files by copying row groups."""

from __future__ import annotations

import decimal
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unified_iso.row_groups import join
from unified_iso.row_groups.footer import (
    FooterMetadata,
    NotParquet,
    encode_footer,
    read_footer_metadata,
)
from unified_iso.row_groups.join import OtherBytes, Part, SchemaMismatch, join_row_groups
from unified_iso.row_groups.seal import SEAL_KEY, digest_of, read_seal

GROUP_ROWS = 2048
COLUMNS = """
    i as number,
    'word ' || (i % 7) as word,
    case when i % 3 = 0 then null else (i * 0.25)::decimal(18, 2) end as amount,
    date '2020-01-01' + (i % 900)::integer as day,
    i % 2 = 0 as even
"""


# --- Files to join --------------------------------------------------------------------------------


def duckdb_file(
    path: Path, first: int, rows: int, columns: str = COLUMNS, group_rows: int = GROUP_ROWS
) -> Path:
    query = f"select {columns} from range({first}, {first + rows}) as t(i)"
    options = f"format parquet, compression zstd, row_group_size {group_rows}"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' ({options})")
    return path


def arrow_table(first: int, rows: int) -> pa.Table:
    numbers = range(first, first + rows)
    return pa.table(
        {
            "number": pa.array(numbers, pa.int64()),
            "word": pa.array([None if i % 5 == 0 else f"word {i % 11}" for i in numbers]),
            "nothing": pa.array([None] * rows, pa.float64()),
            "share": pa.array([i / 8 for i in numbers], pa.float64()),
            "list": pa.array([None if i % 4 == 0 else [i] * (i % 3) for i in numbers]),
        }
    )


def arrow_file(path: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, path, **{"row_group_size": 500, "compression": "zstd"} | options)
    return path


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of 3, 1 and 2 row groups with one schema."""
    folder = tmp_path_factory.mktemp("pool")
    sizes = [3 * GROUP_ROWS - 5, 17, 2 * GROUP_ROWS]
    firsts = [0, 10_000, 20_000]
    return [
        duckdb_file(folder / f"{first}.parquet", first, size)
        for first, size in zip(firsts, sizes, strict=True)
    ]


# --- Reading files --------------------------------------------------------------------------------


def duckdb_rows(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"from read_parquet('{path}')").fetchall()


def arrow_rows(path: Path) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in pq.read_table(path).to_pylist()]


def group_rows(part: Part) -> list[tuple[Any, ...]]:
    with pq.ParquetFile(part.path) as file:
        count = file.num_row_groups - part.first_row_group
        count = count if part.row_groups is None else part.row_groups
        numbers = range(part.first_row_group, part.first_row_group + count)
        return [
            tuple(row.values())
            for number in numbers
            for row in file.read_row_group(number).to_pylist()
        ]


def assert_holds_parts(out: Path, parts: list[Part]) -> None:
    expected = [row for part in parts for row in group_rows(part)]
    assert arrow_rows(out) == expected
    assert duckdb_rows(out) == expected


# --- An independent codec of the compact protocol -------------------------------------------------

STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(14)
WIDTHS = {DOUBLE: 8, UUID: 16}

# A value is a pair of type code and content. A struct's content maps field ids to values; a list's
# is the element type code and the contents of the elements.
Value = tuple[int, Any]


def put_varint(number: int) -> bytes:
    more = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([part | 128 for part in more[:-1]] + more[-1:])


def put_zigzag(number: int) -> bytes:
    return put_varint(2 * number if number >= 0 else -2 * number - 1)


def put(kind: int, content: Any) -> bytes:
    if kind in (I16, I32, I64):
        return put_zigzag(content)
    if kind == BINARY:
        return b"".join((put_varint(len(content)), content))
    if kind in (LIST, SET):
        element, contents = content
        head = bytes([min(len(contents), 15) << 4 | element])
        head += put_varint(len(contents)) if len(contents) >= 15 else b""
        return head + b"".join(put_element(element, each) for each in contents)
    if kind == MAP:
        keys, values, pairs = content
        body = b"".join(put_element(keys, k) + put_element(values, v) for k, v in pairs)
        return put_varint(len(pairs)) + (bytes([keys << 4 | values]) + body if pairs else b"")
    if kind == STRUCT:
        return put_struct(content)
    return b"" if kind in (TRUE, FALSE) else content


def put_element(kind: int, content: Any) -> bytes:
    return bytes([content]) if kind in (TRUE, FALSE) else put(kind, content)


def put_struct(fields: dict[int, Value]) -> bytes:
    encoded, last = b"", 0
    for field_id, (kind, content) in fields.items():
        step = field_id - last
        short = 0 < step < 16
        encoded += bytes([step << 4 | kind]) if short else bytes([kind]) + put_zigzag(field_id)
        encoded += put(kind, content)
        last = field_id
    return encoded + b"\0"


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def varint(self) -> int:
        byte = self.take(1)[0]
        return byte if byte < 128 else byte - 128 + (self.varint() << 7)

    def zigzag(self) -> int:
        number = self.varint()
        return number // 2 if number % 2 == 0 else -(number + 1) // 2

    def content(self, kind: int) -> Any:
        if kind in (I16, I32, I64):
            return self.zigzag()
        if kind == BINARY:
            return self.take(self.varint())
        if kind in (LIST, SET):
            head = self.take(1)[0]
            count = head >> 4 if head < 240 else self.varint()
            return head & 15, [self.element(head & 15) for _ in range(count)]
        if kind == STRUCT:
            return self.struct()
        return None if kind in (TRUE, FALSE) else self.take(WIDTHS.get(kind, 1))

    def element(self, kind: int) -> Any:
        return self.take(1)[0] if kind in (TRUE, FALSE) else self.content(kind)

    def struct(self) -> dict[int, Value]:
        fields: dict[int, Value] = {}
        field_id = 0
        while head := self.take(1)[0]:
            field_id = field_id + (head >> 4) if head > 15 else self.zigzag()
            fields[field_id] = (head & 15, self.content(head & 15))
        return fields


def split(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes before the footer, and the footer."""
    data = path.read_bytes()
    start = len(data) - 8 - length_of_footer(data)
    return data[:start], data[start:-8]


def write_with_footer(path: Path, body: bytes, footer: bytes) -> Path:
    path.write_bytes(body + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    return path


def read_tree(path: Path) -> dict[int, Value]:
    return Reader(split(path)[1]).struct()


def edited(source: Path, target: Path, edit: Callable[[dict[int, Value]], object]) -> Path:
    """Copy a file with its footer changed by `edit`."""
    body, footer = split(source)
    tree = Reader(footer).struct()
    edit(tree)
    return write_with_footer(target, body, put_struct(tree))


def groups_of(tree: dict[int, Value]) -> list[dict[int, Value]]:
    groups: list[dict[int, Value]] = tree[4][1][1]
    return groups


def chunks_of(tree: dict[int, Value]) -> Iterator[dict[int, Value]]:
    for group in groups_of(tree):
        yield from group[1][1][1]


# --- Joining --------------------------------------------------------------------------------------


def test_parts_written_by_duckdb_read_as_their_concatenation(tmp_path: Path) -> None:
    paths = [
        duckdb_file(tmp_path / f"{first}.parquet", first, rows, group_rows=122_880)
        for first, rows in [(0, 250_000), (250_000, 1), (250_001, 122_880)]
    ]
    out = tmp_path / "out.parquet"
    result = join_row_groups([Part(path) for path in paths], out, {})
    assert (result.rows, result.row_groups) == (372_881, 5)
    assert result.row_groups_of_part == [3, 1, 1]
    expected = [row for path in paths for row in duckdb_rows(path)]
    assert duckdb_rows(out) == expected
    assert arrow_rows(out) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"write_page_index": True, "write_statistics": True},
        {"write_page_index": True, "data_page_size": 512, "use_dictionary": False},
        {"write_statistics": False, "store_schema": False},
        {"bloom_filter_options": {"number": True, "word": {"ndv": 100}}},
        {"data_page_version": "2.0", "version": "1.0", "compression": "none"},
    ],
)
def test_parts_written_by_arrow_read_as_their_concatenation(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    parts = [
        Part(arrow_file(tmp_path / f"{first}.parquet", arrow_table(first, rows), **options))
        for first, rows in [(0, 1_700), (1_700, 300), (2_000, 1_000)]
    ]
    out = tmp_path / "out.parquet"
    join_row_groups(parts, out, {})
    assert_holds_parts(out, parts)


def test_statistics_are_kept_and_indexes_outside_the_row_groups_dropped(tmp_path: Path) -> None:
    options = {"write_page_index": True, "bloom_filter_options": {"number": True}}
    path = arrow_file(tmp_path / "in.parquet", arrow_table(0, 1_200), **options)
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path), Part(path)], out, {})
    before, after = pq.read_metadata(path), pq.read_metadata(out)
    assert before.row_group(0).column(0).bloom_filter_offset is not None
    assert after.created_by == before.created_by
    assert after.format_version == before.format_version
    for group in range(after.num_row_groups):
        for number in range(after.num_columns):
            old = before.row_group(group % before.num_row_groups).column(number)
            new = after.row_group(group).column(number)
            assert new.statistics == old.statistics
            assert new.encodings == old.encodings
            assert (old.has_offset_index, new.has_offset_index) == (True, False)
            assert (old.has_column_index, new.has_column_index) == (True, False)
            assert new.bloom_filter_offset is None
    assert {tuple(chunk) for chunk in chunks_of(read_tree(out))} == {(2, 3)}


def test_no_value_is_lost_to_filters_on_statistics(tmp_path: Path, pool: list[Path]) -> None:
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path) for path in pool], out, {})
    with duckdb.connect() as connection:
        for number in (0, 2 * GROUP_ROWS, 10_016, 20_000 + GROUP_ROWS):
            query = f"select number from read_parquet('{out}') where number = {number}"
            assert connection.execute(query).fetchall() == [(number,)]
        word = f"select count(*) from read_parquet('{out}') where word = 'word 3'"
        parts = f"select count(*) from read_parquet({[str(path) for path in pool]}) "
        expected = connection.execute(parts + "where word = 'word 3'").fetchall()
        assert connection.execute(word).fetchall() == expected


def test_some_row_groups_of_a_file(tmp_path: Path, pool: list[Path]) -> None:
    parts = [Part(pool[0], 1, 1), Part(pool[2], 1), Part(pool[0], 2)]
    out = tmp_path / "out.parquet"
    result = join_row_groups(parts, out, {})
    assert result.row_groups_of_part == [1, 1, 1]
    assert result.rows == 3 * GROUP_ROWS - 5
    assert_holds_parts(out, parts)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_choice_of_row_groups(
    data: st.DataObject, pool: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = []
    for path, count in data.draw(
        st.lists(st.sampled_from(list(zip(pool, [3, 1, 2], strict=True))), min_size=1, max_size=6)
    ):
        first = data.draw(st.integers(0, count))
        taken = data.draw(st.none() | st.integers(0, count - first))
        parts.append(Part(path, first, taken))
    out = tmp_path_factory.mktemp("any") / "out.parquet"
    result = join_row_groups(parts, out, {})
    expected = [group_rows(part) for part in parts]
    assert result.rows == sum(map(len, expected))
    assert arrow_rows(out) == [row for rows in expected for row in rows]
    assert read_footer_metadata(out).row_group_count == sum(result.row_groups_of_part)


def test_replacing_a_middle_part_equals_joining_everything_new(
    tmp_path: Path, pool: list[Path]
) -> None:
    first, middle, last = pool
    new = duckdb_file(tmp_path / "new.parquet", 77, 2 * GROUP_ROWS + 1)
    joined, replaced, fresh = (tmp_path / name for name in ("joined", "replaced", "fresh"))
    counts = join_row_groups([Part(first), Part(middle), Part(last)], joined, {"run": "1"})
    before, gone, _ = counts.row_groups_of_part
    kept = [Part(joined, 0, before), Part(new), Part(joined, before + gone)]
    result = join_row_groups(kept, replaced, {"run": "2"})
    expected = join_row_groups([Part(first), Part(new), Part(last)], fresh, {"run": "2"})
    assert replaced.read_bytes() == fresh.read_bytes()
    assert result == expected


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, pool: list[Path]) -> None:
    parts = [Part(path) for path in pool]
    one, two = tmp_path / "one", tmp_path / "two"
    first = join_row_groups(parts, one, {"b": "2", "a": "1"})
    second = join_row_groups(parts, two, {"a": "1", "b": "2"})
    assert one.read_bytes() == two.read_bytes()
    assert first == second


def test_the_result_describes_the_written_file(tmp_path: Path, pool: list[Path]) -> None:
    out = tmp_path / "out.parquet"
    result = join_row_groups([Part(pool[0]), Part(pool[1])], out, {})
    assert result.bytes == out.stat().st_size
    assert result.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()


def test_row_groups_larger_than_a_block(
    tmp_path: Path, pool: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, blocks = tmp_path / "whole", tmp_path / "blocks"
    parts = [Part(path) for path in pool]
    expected = join_row_groups(parts, whole, {})
    monkeypatch.setattr(join, "BLOCK_BYTES", 1_000)
    assert join_row_groups(parts, blocks, {}) == expected
    assert blocks.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("count", [14, 15, 16, 127, 128])
def test_lists_of_any_length(tmp_path: Path, pool: list[Path], count: int) -> None:
    out = tmp_path / "out.parquet"
    result = join_row_groups([Part(pool[1])] * count, out, {str(n): "" for n in range(count)})
    assert result.row_groups == count
    body, footer = split(out)
    tree = Reader(footer).struct()
    assert len(groups_of(tree)) == len(tree[5][1][1]) == count
    assert put_struct(tree) == footer
    assert len(body) == 4 + count * sum(meta[3][1][7][1] for meta in chunks_of(read_tree(pool[1])))


def test_many_row_groups_of_many_columns(tmp_path: Path) -> None:
    numbers = [f"i * {n} % 1000 as n{n}" for n in range(12)]
    words = [f"'w' || (i * {n} % 97) as w{n}" for n in range(12)]
    path = duckdb_file(tmp_path / "in.parquet", 0, 5 * GROUP_ROWS, ", ".join(numbers + words))
    out = tmp_path / "out.parquet"
    result = join_row_groups([Part(path)] * 90, out, {})
    assert (result.rows, result.row_groups) == (450 * GROUP_ROWS, 450)
    sums = ", ".join(f"sum(n{n}), sum(hash(w{n}) % 1000)" for n in range(12))
    with duckdb.connect() as connection:
        one = connection.execute(f"select {sums} from read_parquet('{path}')").fetchone()
        all_ = connection.execute(f"select {sums} from read_parquet('{out}')").fetchone()
    assert one is not None
    assert all_ == tuple(90 * value for value in one)
    metadata = read_footer_metadata(out)
    assert metadata.rows_per_row_group == [GROUP_ROWS] * 450


# --- Nothing to copy ------------------------------------------------------------------------------


def test_no_parts(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with pytest.raises(ValueError, match="no parts"):
        join_row_groups([], out, {})
    assert not out.exists()


def test_parts_without_row_groups_give_an_empty_file(tmp_path: Path, pool: list[Path]) -> None:
    empty = duckdb_file(tmp_path / "empty.parquet", 0, 0)
    out = tmp_path / "out.parquet"
    result = join_row_groups([Part(empty), Part(pool[0], 1, 0), Part(pool[1], 1)], out, {"k": "v"})
    assert (result.rows, result.row_groups, result.row_groups_of_part) == (0, 0, [0, 0, 0])
    assert duckdb_rows(out) == []
    assert pq.read_schema(out).names == ["number", "word", "amount", "day", "even"]
    assert read_footer_metadata(out) == FooterMetadata(0, 0, [], {"k": "v"})


def test_an_empty_part_between_others(tmp_path: Path, pool: list[Path]) -> None:
    empty = duckdb_file(tmp_path / "empty.parquet", 0, 0)
    parts = [Part(empty), Part(pool[0]), Part(empty), Part(pool[1])]
    out = tmp_path / "out.parquet"
    assert join_row_groups(parts, out, {}).row_groups_of_part == [0, 3, 0, 1]
    assert_holds_parts(out, parts)


def test_row_groups_without_rows(tmp_path: Path) -> None:
    table = arrow_table(0, 600)
    full = arrow_file(tmp_path / "full.parquet", table)
    empty = arrow_file(tmp_path / "empty.parquet", table.slice(0, 0))
    parts = [Part(full), Part(empty), Part(full)]
    out = tmp_path / "out.parquet"
    assert join_row_groups(parts, out, {}).row_groups_of_part == [2, 1, 2]
    assert_holds_parts(out, parts)


def test_row_groups_without_columns(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({}), path)
    out = tmp_path / "out.parquet"
    assert join_row_groups([Part(path), Part(path)], out, {}).row_groups == 2
    assert pq.read_metadata(out).num_columns == 0


def test_chunks_without_bytes_do_not_count_as_data(tmp_path: Path, pool: list[Path]) -> None:
    def empty_the_last_chunk(tree: dict[int, Value]) -> None:
        for group in groups_of(tree):
            meta = group[1][1][1][-1][3][1]
            meta |= {7: (I64, 0), 9: (I64, 0)}
            meta.pop(11, None)

    path = edited(pool[0], tmp_path / "in.parquet", empty_the_last_chunk)
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path, 1)], out, {})
    names = ["number", "word", "amount", "day"]
    expected = pq.read_table(pool[0], columns=names).slice(GROUP_ROWS)
    assert pq.read_table(out, columns=names) == expected


# --- Metadata -------------------------------------------------------------------------------------


def test_key_value_metadata_is_read_alike_by_all(tmp_path: Path, pool: list[Path]) -> None:
    given_ = {f"key {n:02}": f"value {n}" for n in range(20)} | {"größe": "5 €", "": ""}
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path) for path in pool], out, given_)
    with duckdb.connect() as connection:
        query = f"select decode(key), decode(value) from parquet_kv_metadata('{out}')"
        rows = connection.execute(query).fetchall()
    assert rows == sorted(given_.items())
    encoded = {key.encode(): value.encode() for key, value in given_.items()}
    assert pq.read_metadata(out).metadata == encoded
    assert read_footer_metadata(out).key_value_metadata == given_


def test_key_value_metadata_of_the_parts_is_replaced(tmp_path: Path) -> None:
    table = arrow_table(0, 10).replace_schema_metadata({"old": "1"})
    path = arrow_file(tmp_path / "in.parquet", table)
    assert read_footer_metadata(path).key_value_metadata["old"] == "1"
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path)], out, {})
    assert 5 not in read_tree(out)
    assert read_footer_metadata(out).key_value_metadata == {}


def test_metadata_that_is_no_utf8_survives_a_read_and_a_write(
    tmp_path: Path, pool: list[Path]
) -> None:
    pair = {1: (BINARY, b"raw"), 2: (BINARY, b"\xff\x00\x80")}
    alone = {1: (BINARY, b"alone")}
    add = edited(
        pool[1],
        tmp_path / "in.parquet",
        lambda tree: tree.update({5: (LIST, (STRUCT, [pair, alone]))}),
    )
    metadata = read_footer_metadata(add).key_value_metadata
    assert metadata["alone"] == ""
    out = tmp_path / "out.parquet"
    join_row_groups([Part(add)], out, metadata)
    assert pair in read_tree(out)[5][1][1]


def test_footer_metadata_of_a_file(pool: list[Path]) -> None:
    metadata = read_footer_metadata(pool[0])
    assert metadata.num_rows == 3 * GROUP_ROWS - 5
    assert metadata.row_group_count == 3
    assert metadata.rows_per_row_group == [GROUP_ROWS, GROUP_ROWS, GROUP_ROWS - 5]


# --- The footer, field by field -------------------------------------------------------------------


def moved(fields: dict[int, Value], ids: tuple[int, ...], distance: int) -> dict[int, Value]:
    return {
        field_id: (kind, content + distance if field_id in ids and content else content)
        for field_id, (kind, content) in fields.items()
    }


def test_every_offset_moves_and_nothing_else_changes(tmp_path: Path, pool: list[Path]) -> None:
    def add_optional_fields(tree: dict[int, Value]) -> None:
        for group in groups_of(tree):
            group[4] = (LIST, (STRUCT, [{1: (I32, 0), 2: (TRUE, None), 3: (FALSE, None)}]))
        for chunk in chunks_of(tree):
            meta = chunk[3][1]
            chunk[2] = (I64, meta[9][1] + meta[7][1])
            meta[8] = (LIST, (STRUCT, [{1: (BINARY, b"key"), 2: (BINARY, b"value")}]))
            meta[10] = (I64, meta[9][1] + 1)
            meta[16] = (STRUCT, {1: (I64, 5), 3: (LIST, (I64, [1, 2**40]))})
            meta[17] = (STRUCT, {1: (STRUCT, {1: (DOUBLE, b"12345678")})})

    path = edited(pool[0], tmp_path / "in.parquet", add_optional_fields)
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path, 1, 1), Part(path, 0, 1)], out, {})
    source, joined = groups_of(read_tree(path)), groups_of(read_tree(out))
    start = {number: source[number][5][1] for number in (0, 1)}
    size = start[1] - start[0]
    second_size = source[2][5][1] - start[1]
    assert start[0] == 4
    for group, number, distance in [(joined[0], 1, -size), (joined[1], 0, second_size)]:
        expected = moved(source[number], (5,), distance)
        expected[1] = (
            LIST,
            (
                STRUCT,
                [
                    {
                        2: (I64, chunk[2][1] + distance),
                        3: (STRUCT, without_bloom(moved(chunk[3][1], (9, 10, 11), distance))),
                    }
                    for chunk in source[number][1][1][1]
                ],
            ),
        )
        assert group == expected


def without_bloom(meta: dict[int, Value]) -> dict[int, Value]:
    return {field_id: value for field_id, value in meta.items() if field_id not in (14, 15)}


def test_fields_in_any_order(tmp_path: Path, pool: list[Path]) -> None:
    def reorder(tree: dict[int, Value]) -> None:
        for group in groups_of(tree):
            replace(group, dict(reversed(group.items())))
        for chunk in chunks_of(tree):
            meta = chunk[3][1]
            # A short header holds a distance of 15 at most.
            first = {16: (STRUCT, {}), 1: meta[1], 17: (STRUCT, {})}
            replace(meta, first | {key: meta[key] for key in meta if key not in first})

    def replace(fields: dict[int, Value], new: dict[int, Value]) -> None:
        fields.clear()
        fields.update(new)

    path = edited(pool[0], tmp_path / "in.parquet", reorder)
    assert [*next(chunks_of(read_tree(path)))[3][1]][:4] == [16, 1, 17, 2]
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path, 1), Part(path, 0, 1)], out, {})
    assert [*next(chunks_of(read_tree(out)))[3][1]][:4] == [16, 1, 17, 2]
    assert_holds_parts(out, [Part(pool[0], 1), Part(pool[0], 0, 1)])


def test_offsets_of_zero_stay_zero(tmp_path: Path, pool: list[Path]) -> None:
    out = tmp_path / "out.parquet"
    join_row_groups([Part(pool[1]), Part(pool[2])], out, {})
    assert {chunk[2][1] for chunk in chunks_of(read_tree(out))} == {0}


def test_ordinals_and_unknown_fields_are_dropped(tmp_path: Path, pool: list[Path]) -> None:
    unknown: dict[int, Value] = {
        200: (TRUE, None),
        201: (FALSE, None),
        202: (BYTE, b"\7"),
        203: (DOUBLE, b"12345678"),
        204: (UUID, b"x" * 16),
        205: (MAP, (I32, TRUE, [(1, 1), (-2, 2)])),
        206: (MAP, (I32, I32, [])),
        207: (SET, (DOUBLE, [b"abcdefgh"] * 20)),
        208: (LIST, (TRUE, [1, 2, 1])),
        32_767: (STRUCT, {1: (LIST, (STRUCT, [{}, {}])), 300: (BINARY, b"y" * 500)}),
    }

    def add(tree: dict[int, Value]) -> None:
        for number, group in enumerate(groups_of(tree)):
            group[7] = (I16, number)
            group.update(unknown)
        for chunk in chunks_of(tree):
            chunk.update(unknown)
            chunk[3][1].update(unknown)
        tree.update(unknown)

    path = edited(pool[0], tmp_path / "in.parquet", add)
    plain, out = tmp_path / "plain", tmp_path / "out"
    join_row_groups([Part(pool[0])], plain, {})
    join_row_groups([Part(path)], out, {})
    assert out.read_bytes() == plain.read_bytes()


SCALARS = st.one_of(
    st.sampled_from([(TRUE, None), (FALSE, None)]),
    st.binary(min_size=1, max_size=1).map(lambda content: (BYTE, content)),
    st.integers(-(2**15), 2**15 - 1).map(lambda content: (I16, content)),
    st.integers(-(2**31), 2**31 - 1).map(lambda content: (I32, content)),
    st.integers(-(2**63), 2**63 - 1).map(lambda content: (I64, content)),
    st.binary(min_size=8, max_size=8).map(lambda content: (DOUBLE, content)),
    st.binary(max_size=200).map(lambda content: (BINARY, content)),
    st.binary(min_size=16, max_size=16).map(lambda content: (UUID, content)),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20).map(lambda c: (LIST, (I64, c))),
    st.lists(st.integers(1, 2), max_size=20).map(lambda content: (SET, (TRUE, content))),
    st.lists(st.binary(max_size=9), max_size=20).map(lambda content: (LIST, (BINARY, content))),
)
STRUCTS = st.recursive(
    st.dictionaries(st.integers(-(2**15), 2**15 - 1), SCALARS, max_size=5),
    lambda inner: st.dictionaries(
        st.integers(1, 40),
        inner.map(lambda content: (STRUCT, content))
        | st.lists(inner, max_size=17).map(lambda content: (LIST, (STRUCT, content))),
        max_size=4,
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(statistics=STRUCTS, unknown=STRUCTS)
def test_any_thrift_value_is_copied_or_dropped_whole(
    statistics: dict[int, Value],
    unknown: dict[int, Value],
    pool: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def edit(tree: dict[int, Value]) -> None:
        for chunk in chunks_of(tree):
            chunk[3][1][12] = (STRUCT, statistics)
            chunk[99] = (STRUCT, unknown)

    folder = tmp_path_factory.mktemp("thrift")
    path = edited(pool[1], folder / "in.parquet", edit)
    join_row_groups([Part(path)], folder / "out.parquet", {})
    _, footer = split(folder / "out.parquet")
    tree = Reader(footer).struct()
    for chunk in chunks_of(tree):
        assert chunk[3][1][12] == (STRUCT, statistics)
        assert set(chunk) == {2, 3}
    assert put_struct(tree) == footer


# --- Refusals -------------------------------------------------------------------------------------


def assert_refused(
    parts: list[Part], out: Path, error: type[Exception], match: str = ""
) -> pytest.ExceptionInfo[Exception]:
    with pytest.raises(error, match=match) as raised:
        join_row_groups(parts, out, {})
    assert not out.exists()
    return raised


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ([("a", pa.int64(), True), ("c", pa.string(), True)], "element 2 is 'c'.* 'b'"),
        ([("a", pa.int32(), True), ("b", pa.string(), True)], "element 1, 'a', has another type"),
        ([("a", pa.int64(), False), ("b", pa.string(), True)], "element 1, 'a', .*nullability"),
        ([("a", pa.int64(), True)], "element 2 is none, in the first part 'b'"),
        ([("b", pa.string(), True), ("a", pa.int64(), True)], "element 1 is 'b'.* 'a'"),
    ],
    ids=["name", "type", "nullability", "count", "order"],
)
def test_a_part_with_another_schema(
    tmp_path: Path, fields: list[tuple[str, pa.DataType, bool]], difference: str
) -> None:
    def written(name: str, fields: list[tuple[str, pa.DataType, bool]]) -> Path:
        values = {"a": [1, 2], "b": ["x", "y"], "c": ["x", "y"]}
        schema = pa.schema([pa.field(*field) for field in fields])
        table = pa.table([values[field[0]] for field in fields], schema=schema)
        return arrow_file(tmp_path / name, table)

    same = written("same.parquet", [("a", pa.int64(), True), ("b", pa.string(), True)])
    other = written("other.parquet", fields)
    parts = [Part(same), Part(same), Part(other), Part(other)]
    out = tmp_path / "out.parquet"
    raised = assert_refused(parts, out, SchemaMismatch, difference)
    assert f"part 3 ({other})" in str(raised.value)


def test_an_equal_schema_that_is_encoded_in_another_way(tmp_path: Path, pool: list[Path]) -> None:
    body, footer = split(pool[1])
    short, long = b"\x19\x6c", b"\x19\xfc\x06"
    assert footer.count(short) == 1
    path = write_with_footer(tmp_path / "in.parquet", body, footer.replace(short, long))
    assert arrow_rows(path) == arrow_rows(pool[1])
    out = tmp_path / "out.parquet"
    assert_refused([Part(pool[1]), Part(path)], out, SchemaMismatch, "encoded in another way")


def test_another_name_of_the_root(tmp_path: Path, pool: list[Path]) -> None:
    def rename(tree: dict[int, Value]) -> None:
        tree[2][1][1][0][4] = (BINARY, b"other")

    path = edited(pool[1], tmp_path / "in.parquet", rename)
    out = tmp_path / "out.parquet"
    assert_refused([Part(pool[1]), Part(path)], out, SchemaMismatch, "element 0 is 'other'")


def test_a_part_with_other_column_orders(tmp_path: Path, pool: list[Path]) -> None:
    path = edited(pool[1], tmp_path / "in.parquet", lambda tree: tree.pop(7))
    out = tmp_path / "out.parquet"
    assert_refused([Part(pool[0]), Part(path)], out, SchemaMismatch, "part 2 .*column orders")


def test_a_refusal_leaves_an_existing_file_alone(tmp_path: Path, pool: list[Path]) -> None:
    other = duckdb_file(tmp_path / "other.parquet", 0, 1, "i")
    out = tmp_path / "out.parquet"
    out.write_text("before")
    with pytest.raises(SchemaMismatch):
        join_row_groups([Part(pool[0]), Part(other)], out, {})
    assert out.read_text() == "before"


def length_of_footer(data: bytes) -> int:
    return int.from_bytes(data[-8:-4], "little")


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "0 bytes are too few"),
    "only magic": (lambda data: b"PAR1" * 2, "8 bytes are too few"),
    "text": (lambda data: b"no parquet at all", "start and end with PAR1"),
    "tail cut off": (lambda data: data[:-1], "start and end with PAR1"),
    "head cut off": (lambda data: data[1:], "start and end with PAR1"),
    "body cut out": (lambda data: b"PAR1" + data[-100:], "shorter than its footer"),
    "data cut out": (lambda data: b"PAR1" + data[200:], "row group . lies outside the data"),
    "encrypted footer": (lambda data: data[:-4] + b"PARE", "is encrypted"),
    "footer without content": (
        lambda data: data[:-8] + bytes(4) + b"PAR1",
        "ends in the middle",
    ),
    "footer that stops before its last fields": (
        lambda data: data[:-50] + (length_of_footer(data) - 42).to_bytes(4, "little") + b"PAR1",
        "ends in the middle",
    ),
    "footer of zeros": (lambda data: data[:-8] + bytes(50) + b"\x32\0\0\0PAR1", "is missing"),
    "footer of structs": (
        lambda data: data[:-8] + b"\xac" * 9_000 + (9_000).to_bytes(4, "little") + b"PAR1",
        "nested too deeply",
    ),
    "footer of unknown types": (
        lambda data: data[:-8] + b"\xae" * 90 + b"\x5a\0\0\0PAR1",
        "unknown type code 14",
    ),
    "footer with an endless number": (
        lambda data: data[:-8] + b"\x36" + b"\xff" * 90 + b"\x5b\0\0\0PAR1",
        "a number is too long",
    ),
    "footer with a field without a type": (
        lambda data: data[:-8] + b"\x10\0" + b"\x02\0\0\0PAR1",
        "a field has no type",
    ),
    "footer with a field without a type in a struct": (
        lambda data: data[:-8] + b"\xac\x10\0\0" + b"\x04\0\0\0PAR1",
        "a field has no type",
    ),
    "footer with an endless list": (
        lambda data: data[:-8] + b"\xa9\xf3\xff\xff\xff\xff\x0f\0" + b"\x08\0\0\0PAR1",
        "a list runs past the end",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_are_no_parquet(tmp_path: Path, pool: list[Path], damage: str) -> None:
    change, reason = DAMAGES[damage]
    path = tmp_path / "damaged.parquet"
    path.write_bytes(change(pool[0].read_bytes()))
    with pytest.raises(NotParquet, match=reason) as raised:
        read_footer_metadata(path)
    assert str(path) in str(raised.value)
    assert_refused([Part(pool[0]), Part(path)], tmp_path / "out.parquet", NotParquet, reason)


EDITS: dict[str, tuple[Callable[[dict[int, Value]], Any], str]] = {
    "no version": (lambda tree: tree.pop(1), "field 1 is missing"),
    "no schema": (lambda tree: tree.pop(2), "field 2 is missing"),
    "no row groups": (lambda tree: tree.pop(4), "field 4 is missing"),
    "schema without elements": (
        lambda tree: tree.update({2: (LIST, (STRUCT, []))}),
        "schema is no list of structs",
    ),
    "schema of numbers": (
        lambda tree: tree.update({2: (LIST, (I32, [1]))}),
        "schema is no list of structs",
    ),
    "row groups that are numbers": (
        lambda tree: tree.update({4: (LIST, (I32, [1]))}),
        "something else than structs",
    ),
    "row groups that are one": (lambda tree: tree.update({4: (STRUCT, {})}), "type code 12"),
    "row count as text": (lambda tree: tree.update({3: (BINARY, b"1")}), "type code 8"),
    "row counts that differ": (lambda tree: tree.update({3: (I64, 1)}), "do not add up"),
    "encrypted file": (lambda tree: tree.update({8: (STRUCT, {})}), "is encrypted"),
    "signed footer": (lambda tree: tree.update({9: (BINARY, b"key")}), "is encrypted"),
    "encrypted column": (
        lambda tree: next(chunks_of(tree)).update({8: (STRUCT, {})}),
        "is encrypted",
    ),
    "encrypted column metadata": (
        lambda tree: next(chunks_of(tree)).update({9: (BINARY, b"secret")}),
        "is encrypted",
    ),
    "column in another file": (
        lambda tree: next(chunks_of(tree)).update({1: (BINARY, b"elsewhere.parquet")}),
        "in another file",
    ),
    "column without metadata": (lambda tree: next(chunks_of(tree)).pop(3), "field 3 is missing"),
    "offset before the data": (
        lambda tree: next(chunks_of(tree))[3][1].update({9: (I64, 3)}),
        "row group 0 lies outside the data",
    ),
    "column past the data": (
        lambda tree: next(chunks_of(tree))[3][1].update({7: (I64, 10**9)}),
        "row group 0 lies outside the data",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_footers_that_cannot_be_copied(tmp_path: Path, pool: list[Path], edit: str) -> None:
    change, reason = EDITS[edit]
    path = edited(pool[1], tmp_path / "edited.parquet", change)
    raised = assert_refused([Part(path)], tmp_path / "out.parquet", NotParquet, reason)
    assert str(path) in str(raised.value)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_footer_is_read_or_refused(
    data: st.DataObject, pool: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    body, footer = split(pool[1])
    start = data.draw(st.integers(0, len(footer)))
    stop = data.draw(st.integers(start, min(start + 9, len(footer))))
    damaged = footer[:start] + data.draw(st.binary(max_size=9)) + footer[stop:]
    folder = tmp_path_factory.mktemp("damaged")
    path = write_with_footer(folder / "in.parquet", body, damaged)
    out = folder / "out.parquet"
    try:
        join_row_groups([Part(path)], out, {})
    except NotParquet:
        assert not out.exists()
    else:
        read_footer_metadata(out)


@pytest.mark.parametrize(("first", "count"), [(-1, None), (4, None), (0, 4), (3, 1), (1, -1)])
def test_row_groups_a_file_does_not_have(
    tmp_path: Path, pool: list[Path], first: int, count: int | None
) -> None:
    parts = [Part(pool[1]), Part(pool[0], first, count)]
    assert_refused(parts, tmp_path / "out.parquet", ValueError, "not among the 3")


def test_writing_to_a_part_is_refused(tmp_path: Path, pool: list[Path]) -> None:
    path = duckdb_file(tmp_path / "in.parquet", 0, 10)
    link = tmp_path / "link.parquet"
    link.symlink_to(path)
    before = path.read_bytes()
    for out in (path, link):
        with pytest.raises(ValueError, match=r"part 2 .* is the file to write"):
            join_row_groups([Part(pool[0]), Part(path)], out, {})
    assert path.read_bytes() == before


def test_a_missing_part(tmp_path: Path, pool: list[Path]) -> None:
    parts = [Part(pool[0]), Part(tmp_path / "missing.parquet")]
    assert_refused(parts, tmp_path / "out.parquet", FileNotFoundError, "missing.parquet")


# --- Failures while writing -----------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failed_write_leaves_no_file(
    tmp_path: Path, pool: list[Path], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    out = tmp_path / "out.parquet"
    synced = []

    def fail(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        join_row_groups([Part(pool[0])], out, {})
    assert not out.exists()
    assert synced[0] > sum(chunk[3][1][7][1] for chunk in chunks_of(read_tree(pool[0])))


def test_a_part_that_shrinks_while_it_is_copied(
    tmp_path: Path, pool: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = duckdb_file(tmp_path / "in.parquet", 0, GROUP_ROWS)
    encode = encode_footer

    def shrink_then_encode(*arguments: Any) -> bytes:
        os.truncate(path, 100)
        return encode(*arguments)

    monkeypatch.setattr(join, "encode_footer", shrink_then_encode)
    parts = [Part(pool[0]), Part(path)]
    assert_refused(parts, tmp_path / "out.parquet", NotParquet, "became shorter")


def test_decimals_and_dates_keep_their_types(tmp_path: Path, pool: list[Path]) -> None:
    out = tmp_path / "out.parquet"
    join_row_groups([Part(path) for path in pool], out, {})
    row = duckdb_rows(out)[1]
    assert row[2] == decimal.Decimal("0.25")
    assert pq.read_schema(out) == pq.read_schema(pool[0])


# --- Seals ----------------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path: Path, pool: list[Path]) -> Path:
    """A sealed file, whose other metadata look like its seal as much as they can."""
    out = tmp_path / "sealed.parquet"
    lookalike = f"\x18{chr(len(SEAL_KEY))}{SEAL_KEY}\x18@{'1' * 64}"
    metadata = {"a": lookalike, SEAL_KEY[:-1]: lookalike}
    join_row_groups([Part(path) for path in pool], out, metadata, sealed=True)
    return out


def test_a_seal_is_the_checksum_of_all_other_bytes(sealed: Path) -> None:
    seal = read_seal(sealed)
    assert seal is not None
    assert read_footer_metadata(sealed).key_value_metadata[SEAL_KEY] == seal
    content = sealed.read_bytes()
    assert content.count(seal.encode()) == 1
    unsealed = content.replace(seal.encode(), b"0" * 64)
    assert hashlib.sha256(unsealed).hexdigest() == seal
    found = digest_of(sealed)
    assert (found.sha256, found.agrees_with_seal) == (hashlib.sha256(content).hexdigest(), True)


def test_the_result_of_a_sealed_join_describes_the_written_file(
    tmp_path: Path, pool: list[Path]
) -> None:
    out = tmp_path / "out.parquet"
    result = join_row_groups([Part(path) for path in pool], out, {}, sealed=True)
    assert (result.sha256, result.bytes) == (digest_of(out).sha256, out.stat().st_size)
    assert result.seal == read_seal(out)
    assert result.rows_of_part == [read_footer_metadata(path).num_rows for path in pool]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_bit_breaks_the_seal(sealed: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(sealed.read_bytes())
    # What is changed before the footer's length still is a Parquet file by its ends.
    place = data.draw(st.integers(4, len(content) - 9))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    changed = tmp_path / "changed.parquet"
    changed.write_bytes(content)
    assert digest_of(changed).agrees_with_seal is not True


def test_a_file_without_a_seal_has_a_checksum_only(pool: list[Path]) -> None:
    assert read_seal(pool[0]) is None
    found = digest_of(pool[0])
    expected = hashlib.sha256(pool[0].read_bytes()).hexdigest()
    assert (found.sha256, found.agrees_with_seal) == (expected, None)


@pytest.mark.parametrize("chosen", [(0, 1), (1, 1), (2, None)])
def test_a_checked_file_is_hashed_whole_whatever_is_taken_of_it(
    tmp_path: Path, sealed: Path, pool: list[Path], chosen: tuple[int, int | None]
) -> None:
    parts = [Part(sealed, *chosen), Part(pool[0])]
    plain, out = tmp_path / "plain.parquet", tmp_path / "out.parquet"
    join_row_groups(parts, plain, {})
    join_row_groups(parts, out, {}, checked={sealed: None})
    assert out.read_bytes() == plain.read_bytes()
    content = sealed.read_bytes()
    for place in (10, len(content) // 2, content.rindex(SEAL_KEY.encode()) + 40):
        changed = bytearray(content)
        changed[place] ^= 1
        sealed.write_bytes(changed)
        with pytest.raises(OtherBytes, match=r"sealed\.parquet"):
            join_row_groups(parts, out, {}, checked={sealed: None})
        assert not out.exists()


def test_a_checked_file_without_a_seal_is_compared_with_the_checksum_given(
    tmp_path: Path, pool: list[Path]
) -> None:
    out = tmp_path / "out.parquet"
    parts = [Part(pool[0]), Part(pool[1])]
    expected = hashlib.sha256(pool[0].read_bytes()).hexdigest()
    join_row_groups(parts, out, {}, checked={pool[0]: expected, pool[1]: None})
    with pytest.raises(OtherBytes, match=pool[0].name):
        join_row_groups(parts, out, {}, checked={pool[0]: "0" * 64})


def test_row_groups_of_a_checked_file_are_asked_for_in_their_order(
    tmp_path: Path, sealed: Path
) -> None:
    parts = [Part(sealed, 1, 1), Part(sealed, 0, 1)]
    join_row_groups(parts, tmp_path / "out.parquet", {})
    with pytest.raises(ValueError, match="not asked for in their order"):
        join_row_groups(parts, tmp_path / "out.parquet", {}, checked={sealed: None})
