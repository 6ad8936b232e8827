"""Unified electricity price data from the raw files of US market operators.

`open` reads a published folder; what it needs is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unified_iso.access import AmbiguousLocation, NaiveTime, NotInTree, Tree, open

__all__ = ["AmbiguousLocation", "NaiveTime", "NotInTree", "Tree", "open"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from unified_iso import access

    return getattr(access, name)
