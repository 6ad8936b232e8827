"""`unified-iso`, which is also `python -m unified_iso`."""

from unified_iso.endings import end_in_words


def main() -> None:
    """Run the command line; a signal ends it in words also while its parts are being imported."""
    end_in_words()
    from unified_iso import cli

    cli.main()


if __name__ == "__main__":
    main()
