"""Text from outside, such as names of files, made fit for a terminal."""

from __future__ import annotations


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
