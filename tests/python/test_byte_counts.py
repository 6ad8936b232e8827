"""Bytes are counted eight at a time, wherever they stand and whatever stands beside them."""

from __future__ import annotations

import pytest

from unified_iso.raw_files.byte_counts import count_below, count_pairs, found_at, in_words


@pytest.mark.parametrize(
    ("text", "newlines"),
    [
        (b"", 0),
        (b"\n", 1),
        (b"a\nb\n", 2),
        (b"\n" * 8, 8),
        (b"1234567\n\n234567\n", 3),
        (b"\x0b\x0a\x0b\x09\x8a\x0a\x00\xff", 2),
        (b"\x8a" * 17, 0),
    ],
)
def test_counts_newlines(text: bytes, newlines: int) -> None:
    assert found_at(in_words(text), b"\n").true_count == newlines


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (b"a\r\nb\r\n", 2),
        (b"1234567\r\n", 1),
        (b"\n\r", 0),
        (b"\r\r\n\n", 1),
        (b"\x8d\x0a\x0d\x8a\x0d\x0b", 0),
    ],
)
def test_counts_line_feeds_behind_returns(text: bytes, pairs: int) -> None:
    words = in_words(text)
    assert count_pairs(found_at(words, b"\r"), found_at(words, b"\n")) == pairs


@pytest.mark.parametrize(
    ("text", "below"),
    [
        (b"abc", 0),
        (b" ~\x80\x9f\xa0\xff", 0),
        (b"\x00\x1f\x20\x21", 2),
        (b"\x00\xff" * 8, 8),
        (b"text\ttext\r\n", 3),
    ],
)
def test_counts_bytes_below_a_blank(text: bytes, below: int) -> None:
    assert count_below(in_words(text), b" ") == below


@pytest.mark.parametrize("beside", range(256))
def test_finds_a_byte_beside_any_other(beside: int) -> None:
    text = bytes([beside, 10, beside, 10, 10, beside, beside, 10, beside])
    words = in_words(text)
    assert found_at(words, b"\n").true_count == text.count(b"\n")
    assert count_below(words, b" ") == sum(byte < 32 for byte in text)
