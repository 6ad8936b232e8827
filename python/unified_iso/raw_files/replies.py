"""Web pages, error messages and other answers that people save in place of a report."""

from __future__ import annotations

import re

WORDS_SHOWN = 200
_PAGE = ("<html", "<!doctype html")
_JSON = ("{", "[")
_MESSAGE = ("<?xml", "<m:", "<error", "<oasisreport")


def is_reply(text: str) -> bool:
    """Whether a text is a web page, an XML message or JSON, and no table."""
    start = text.lstrip().lower()
    return start.startswith(_PAGE + _MESSAGE + _JSON)


def describe_reply(text: str) -> str:
    """Say what a web page, an XML message or JSON saved in place of a report tells."""
    words = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    if text.lstrip().lower().startswith(_PAGE):
        return f"is a web page, not a report ({words[:WORDS_SHOWN]!r}): download it again"
    if text.lstrip().startswith(_JSON):
        return f"is JSON, not a csv report ({words[:WORDS_SHOWN]!r}): download it as csv"
    code = re.search(r"ERR_CODE>\s*([^<]+?)\s*<", text)
    meaning = re.search(r"ERR_DESC>\s*([^<]+?)\s*<", text)
    if code and meaning:
        said = f"{code[1]}: {meaning[1]}"
        return f"is an error reply in XML, not a report ({said}): download it again"
    return f"is an XML reply, not a csv report ({words[:WORDS_SHOWN]!r}): download it as csv"
