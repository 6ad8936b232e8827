"""Verifying: a published tree is checked from its files alone, for somebody who received it.

`tree` says which files there are and what each has to be, `content` reads the rows of one file,
`catalog` opens the catalog; what they find are `Fault`s.
"""

from unified_iso.verify.faults import CHECKS, Fault, Verified
from unified_iso.verify.tree import verify_tree

__all__ = ["CHECKS", "Fault", "Verified", "verify_tree"]
