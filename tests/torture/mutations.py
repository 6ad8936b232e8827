"""Seeded damage to a text and to its wrapping."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from collections.abc import Callable

ODD_NUMBERS = (
    *("NaN", "nan", "inf", "-inf", "Infinity", "1e309", "-0", "-0.00", "0", "", " ", "null", "N/A"),
    *(
        "-",
        "--",
        "1e2",
        "+1.5",
        ".5",
        "5.",
        "(16.30)",
        "$16.30",
        "16.30%",
        "1.2.3",
        "0x10",
        "1_000",
    ),
    *('"16,30"', '"1,016.30"', '"1,01"', "99999999", "-60000", "1e17", "1" * 40, "\u0661\u0662"),
    *("16.30\u00a0", "\u221216.30", "true", "16 30", "\t16.30"),
)
ODD_STAMPS = (
    *("", "epoch", "infinity", "now", "01/01/1970 00:00", "12/31/9999 23:00", "05/01/24 00:00"),
    *("02/30/2024 00:00", "13/05/2024 00:00", "05/01/2024 25:00", "05/01/2024 24:00"),
    *("05/01/2024 00:30", "2024-05-01 00:00", "5/1/2024 12:00:00 AM", "05/01/2204 00:00"),
    *("05/01/1969 00:00", "2024-05-01T00:00:00-00:00", "2024-05-01T00:30:00-00:00"),
)
BYTES = b'\x00\x01\t\r\n ",;|.-+019eEaZ\x7f\x80\xff'

Mutate = Callable[[random.Random, bytes], bytes]


def _line_at(rng: random.Random, lines: list[bytes]) -> int:
    """A line of data mostly, the heading at times."""
    return rng.randrange(len(lines)) if rng.random() < 0.15 else rng.randrange(2, len(lines))


def _edit_cell(rng: random.Random, text: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    lines = text.split(b"\n")
    row = _line_at(rng, lines)
    cells = lines[row].split(b",")
    column = rng.randrange(len(cells))
    cells[column] = edit(cells[column])
    lines[row] = b",".join(cells)
    return b"\n".join(lines)


def _price_cell(rng: random.Random, text: bytes, value: str) -> bytes:
    lines = text.split(b"\n")
    for _ in range(200):
        row = rng.randrange(2, len(lines))
        cells = lines[row].split(b",")
        column = rng.randrange(len(cells))
        if (
            b"." in cells[column]
            and cells[column].strip().lstrip(b"-").replace(b".", b"").isdigit()
        ):
            cells[column] = value.encode()
            lines[row] = b",".join(cells)
            return b"\n".join(lines)
    return text


def flip_bit(rng: random.Random, text: bytes) -> bytes:
    """Turn one bit anywhere."""
    place = rng.randrange(len(text))
    return text[:place] + bytes([text[place] ^ (1 << rng.randrange(8))]) + text[place + 1 :]


def put_byte(rng: random.Random, text: bytes) -> bytes:
    """Replace, insert or remove one byte."""
    place = rng.randrange(len(text))
    new = bytes([rng.choice(BYTES)])
    kind = rng.randrange(3)
    return text[:place] + (new if kind < 2 else b"") + text[place + (kind != 1) :]


def change_digit(rng: random.Random, text: bytes) -> bytes:
    """Turn one digit into another, which leaves a sound text that says something else."""
    places = [place for place, byte in enumerate(text) if 48 <= byte <= 57]
    place = rng.choice(places)
    return text[:place] + str(rng.randrange(10)).encode() + text[place + 1 :]


def odd_number(rng: random.Random, text: bytes) -> bytes:
    """Put something that is no plain number where a price stands."""
    return _price_cell(rng, text, rng.choice(ODD_NUMBERS))


def odd_stamp(rng: random.Random, text: bytes) -> bytes:
    """Put another stamp where the time stands, which is in one of the first cells."""
    lines = text.split(b"\n")
    row = rng.randrange(2, len(lines))
    cells = lines[row].split(b",")
    cells[rng.randrange(min(2, len(cells)))] = rng.choice(ODD_STAMPS).encode()
    lines[row] = b",".join(cells)
    return b"\n".join(lines)


def shift_stamp(rng: random.Random, text: bytes) -> bytes:
    """Change a digit within the first twenty bytes of a line."""
    lines = text.split(b"\n")
    row = rng.randrange(2, len(lines))
    lines[row] = change_digit(rng, lines[row][:20] + b"0")[:-1] + lines[row][20:]
    return b"\n".join(lines)


def blank_cell(rng: random.Random, text: bytes) -> bytes:
    """Empty one cell."""
    return _edit_cell(rng, text, lambda _: b"")


def quote(rng: random.Random, text: bytes) -> bytes:
    """Put a stray quote somewhere, or quotes round a cell."""
    if rng.random() < 0.5:
        return _edit_cell(rng, text, lambda cell: b'"' + cell.strip(b'"') + b'"')
    place = rng.randrange(len(text))
    return text[:place] + b'"' + text[place:]


def pad_cell(rng: random.Random, text: bytes) -> bytes:
    """Put blanks round a cell."""
    space = rng.choice([b" ", b"\t", b"\xc2\xa0", b"  "])
    return _edit_cell(rng, text, lambda cell: space + cell + space)


def cut_end(rng: random.Random, text: bytes) -> bytes:
    """End early."""
    return text[: rng.randrange(len(text))]


def cut_line(rng: random.Random, text: bytes) -> bytes:
    """End a line early."""
    lines = text.split(b"\n")
    row = _line_at(rng, lines)
    lines[row] = lines[row][: rng.randrange(len(lines[row]) + 1)]
    return b"\n".join(lines)


def drop_lines(rng: random.Random, text: bytes) -> bytes:
    """Leave out a line or some."""
    lines = text.split(b"\n")
    row = _line_at(rng, lines)
    del lines[row : row + rng.choice([1, 1, 3, 40])]
    return b"\n".join(lines)


def repeat_line(rng: random.Random, text: bytes) -> bytes:
    """Let a line come again, there or at the end."""
    lines = text.split(b"\n")
    row = _line_at(rng, lines)
    lines.insert(rng.choice([row, len(lines) - 1]), lines[row])
    return b"\n".join(lines)


def swap_lines(rng: random.Random, text: bytes) -> bytes:
    """Let two lines change places."""
    lines = text.split(b"\n")
    one, other = _line_at(rng, lines), _line_at(rng, lines)
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def join_lines(rng: random.Random, text: bytes) -> bytes:
    """Lose one line end."""
    lines = text.split(b"\n")
    row = rng.randrange(1, len(lines) - 1)
    lines[row : row + 2] = [lines[row] + lines[row + 1]]
    return b"\n".join(lines)


def repeat_header(rng: random.Random, text: bytes) -> bytes:
    """Let the first line come again inside."""
    lines = text.split(b"\n")
    lines.insert(_line_at(rng, lines), lines[0])
    return b"\n".join(lines)


def add_blank_lines(rng: random.Random, text: bytes) -> bytes:
    """Put an empty line, or one of blanks or commas, somewhere."""
    lines = text.split(b"\n")
    lines.insert(_line_at(rng, lines), rng.choice([b"", b"   ", b",,,,,", b"\r"]))
    return b"\n".join(lines)


def change_line_ends(rng: random.Random, text: bytes) -> bytes:
    """Turn line ends round: all of them, one of them, or some at random."""
    plain = text.replace(b"\r\n", b"\n")
    lines = plain.split(b"\n")
    kind = rng.randrange(6)
    if kind == 0:
        return plain.replace(b"\n", b"\r\n")
    if kind == 1:
        return plain.replace(b"\n", b"\r")
    if kind == 2:
        return b"".join(line + rng.choice([b"\n", b"\r\n"]) for line in lines[:-1])
    row = rng.randrange(1, len(lines))
    if kind == 3:
        return b"\r\n".join(lines[:row]) + b"\n" + b"\r\n".join(lines[row:])
    if kind == 4:
        return b"\n".join(lines[:row]) + b"\r\n" + b"\n".join(lines[row:])
    # One line end loses its return and another line has one inside, so that their counts agree.
    inside = rng.randrange(1, len(lines) - 1)
    middle = len(lines[inside]) // 2
    lines[inside] = lines[inside][:middle] + b"\r" + lines[inside][middle:]
    return b"\r\n".join(lines[:row]) + b"\n" + b"\r\n".join(lines[row:])


def change_columns(rng: random.Random, text: bytes) -> bytes:
    """Rename, drop, repeat or move a column, in heading and data."""
    lines = text.split(b"\n")
    width = lines[0].count(b",") + 1
    column, other = rng.randrange(width), rng.randrange(width)
    kind = rng.randrange(4)
    if kind == 0:
        cells = lines[0].split(b",")
        cells[column] = rng.choice([b"x", cells[other], cells[column].lower(), b""])
        return b"\n".join([b",".join(cells), *lines[1:]])
    changed = []
    for line in lines:
        cells = line.split(b",")
        if len(cells) == width > 1:
            if kind == 1:
                del cells[column]
            elif kind == 2:
                cells.insert(other, cells[column])
            else:
                cells.insert(other, cells.pop(column))
        changed.append(b",".join(cells))
    return b"\n".join(changed)


def change_encoding(rng: random.Random, text: bytes) -> bytes:
    """Put the text into another encoding, or a mark or a foreign letter into it."""
    kind = rng.randrange(5)
    if kind == 0:
        return text.decode().encode(rng.choice(["utf-16", "utf-16-le", "utf-32"]))
    if kind == 1:
        return b"\xef\xbb\xbf" + text
    if kind == 2:
        return b"\xef\xbb\xbf\xef\xbb\xbf" + text
    letter = b"\xc3\x89" if kind == 3 else b"\xc9"
    return _edit_cell(rng, text, lambda cell: cell[:1] + letter + cell[1:])


def concatenate(rng: random.Random, text: bytes) -> bytes:
    """Let the text follow itself, with its heading or without."""
    return text + (text if rng.random() < 0.5 else text.split(b"\n", 1)[1])


def empty(rng: random.Random, text: bytes) -> bytes:
    """Leave nothing, blanks, zeros, or the heading alone."""
    return rng.choice([b"", b"\n", b"   \n\n", b"\0" * 4096, text.split(b"\n", 1)[0] + b"\n"])


MUTATIONS: tuple[Mutate, ...] = (
    *(flip_bit, put_byte, change_digit, odd_number, odd_number, odd_stamp, shift_stamp),
    *(blank_cell, quote, pad_cell, cut_end, cut_line, drop_lines, repeat_line, swap_lines),
    *(join_lines, repeat_header, add_blank_lines, change_line_ends, change_columns),
    *(change_encoding, concatenate, empty),
)


# --- Wrapping -------------------------------------------------------------------------------------


def _zipped(name: str, text: bytes, method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        opened.writestr(zipfile.ZipInfo(name), text, method)
    return file.getvalue()


def wrap(rng: random.Random, name: str, text: bytes) -> tuple[str, bytes, str]:
    """Return name, bytes and what was done: mostly nothing, else a gzip or a zip, often damaged."""
    if rng.random() < 0.75:
        return name, text, ""
    if rng.random() < 0.5:
        cut = rng.randrange(len(text) + 1)
        parts = [text[:cut], text[cut:]] if rng.random() < 0.3 else [text]
        name, done = f"{name}.gz", f"gzip of {len(parts)}"
        wrapped = b"".join(gzip.compress(part, mtime=0) for part in parts)
    else:
        methods = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
        method = rng.choice(methods)
        wrapped, name, done = _zipped(name, text, method), f"{name}.zip", f"zip, method {method}"
    if rng.random() < 0.6:
        damage = rng.choice([flip_bit, flip_bit, cut_end, put_byte])
        wrapped, done = damage(rng, wrapped), f"{done}, {damage.__name__}"
    return name, wrapped, done


def mutate(rng: random.Random, name: str, text: bytes) -> tuple[str, bytes, str]:
    """Return name and bytes of a damaged file and what was done to it."""
    steps = []
    for _ in range(rng.choice([1, 1, 1, 2])):
        chosen = rng.choice(MUTATIONS)
        if len(text.split(b"\n")) < 4:
            break
        text = chosen(rng, text)
        steps.append(chosen.__name__)
    name, wrapped, done = wrap(rng, name, text)
    return name, wrapped, ", ".join([*steps, *([done] if done else [])])
