"""`python -m unified_iso` is the `unified-iso` command."""

from unified_iso.cli import main

main()
