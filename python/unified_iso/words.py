"""Words of lines: text from outside made fit for a terminal, counts and lists."""

from __future__ import annotations

from collections.abc import Sequence

FILES_LISTED = 5


def visible(text: str) -> str:
    r"""Return `text` in one line, with `\x1b`, `\n` or `\u202e` for what a terminal would obey.

    Letters of every script stay; control characters, ends of lines, marks of writing direction and
    bytes that are no text don't, because with them a name could pass for a message of ours.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def listed(names: Sequence[str]) -> str:
    """Return the first names in one line, and how many more there are."""
    more = len(names) - FILES_LISTED
    text = ", ".join(names[:FILES_LISTED])
    return f"{text} (and {more:,} more)" if more > 0 else text


def counted(count: int, what: str) -> str:
    """Return a count with its noun, such as `1 file` or `1,200 files`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
