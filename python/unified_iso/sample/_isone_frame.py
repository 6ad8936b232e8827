"""What stands above and below the data in ISO-NE's reports."""

from datetime import date, datetime

from ._isone_clock import ZONE


def head(title: str, name: str, day: date, generated: datetime, heading: dict[str, str]) -> str:
    """The lines above the data of a day; heading: names of columns, with their units or types."""
    lines = (
        ("C", title),
        ("C", f"Filename: {name}"),
        ("C", f"Report for: {day:%m/%d/%Y} - {day:%m/%d/%Y}"),
        ("C", f"Report generated: {generated.astimezone(ZONE):%m/%d/%Y %H:%M:%S %Z}"),
        ("H", *heading),
        ("H", *heading.values()),
    )
    return "".join(",".join(f'"{cell}"' for cell in cells) + "\n" for cells in lines)


def trailer(lines: int) -> str:
    """The line below the data, which tells the number of their lines."""
    # A line of data leaves its end to what follows.
    return "\n" * (lines > 0) + f'"T","{lines} lines"'
