"""The steps of a build, in the order in which a price passes them.

Once parts are written, `join` copies the parts of a delivery year into one candidate file, the
tests read the candidates, `publish` moves those of sound years into place by one rename each, and
`recover` makes manifest and working database agree with the files wherever a run was killed.
"""
