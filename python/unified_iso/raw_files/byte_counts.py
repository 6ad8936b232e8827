"""Finds bytes in a block of text, eight bytes at a time.

Arrow computes with whole 64-bit words at the speed of memory and without Python's lock, so that
files are read side by side. Comparing single bytes takes it five times as long, and `bytes.count`
holds the lock. Each function keeps the highest bit of a byte as its answer, and adds nothing that
could carry into the byte beside it.
"""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

WORD = 8


def in_words(text: bytes) -> pa.Array:
    """Return a text as 64-bit words; blanks fill up the last one."""
    filled = text + b" " * (-len(text) % WORD)
    return pa.Array.from_buffers(pa.uint64(), len(filled) // WORD, [None, pa.py_buffer(filled)])


def found_at(words: pa.Array, byte: bytes) -> pa.Array:
    """Return a bit for each bit of the words; one is set for each place of a byte."""
    other = pc.bit_wise_xor(words, _in_each_byte(byte[0]))
    return _bits(pc.bit_wise_and(pc.bit_wise_not(_at_least(other, 1)), _HIGHEST_BITS))


def count_below(words: pa.Array, byte: bytes) -> int:
    """Count the bytes that are less than one below 0x80."""
    others = _bits(pc.bit_wise_and(_at_least(words, byte[0]), _HIGHEST_BITS))
    return len(words) * WORD - int(others.true_count)


def count_pairs(first: pa.Array, second: pa.Array) -> int:
    """Count the places of a first byte that have one of a second right behind them."""
    return int(pc.and_(first[:-WORD], second[WORD:]).true_count)


def _at_least(words: pa.Array, least: int) -> pa.Array:
    """Set the highest bit of each byte that is not less than a number from 1 to 128."""
    sums = pc.add(pc.bit_wise_and(words, _OTHER_BITS), _in_each_byte(0x80 - least))
    return pc.bit_wise_or(sums, words)


def _bits(words: pa.Array) -> pa.Array:
    _, buffer = words.buffers()
    return pa.Array.from_buffers(pa.bool_(), len(words) * WORD * 8, [None, buffer])


@cache
def _in_each_byte(byte: int) -> pa.Scalar:
    return pa.scalar(int.from_bytes(bytes([byte]) * WORD, "little"), pa.uint64())


_HIGHEST_BITS = _in_each_byte(0x80)
_OTHER_BITS = _in_each_byte(0x7F)
