"""Why a raw file is not used, in words for the user."""

from __future__ import annotations


class Refused(Exception):
    """The file is not a usable report; the message says what it is and what to do."""


class Foreign(Refused):
    """Nothing in the file looks like the report."""


class OtherColumns(Refused):
    """The file has most columns of the report, and lacks others."""


class Blank(Refused):
    """The file is the report, and has no rows."""
