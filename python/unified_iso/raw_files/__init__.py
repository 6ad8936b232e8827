"""Raw files: what lies in the raw folder, and what each file is, down to a csv in an archive.

`listing` says what lies there. `inspection` opens a file, its archives by `archives`, and
`csv_files` tells what one csv is: `content` reads it once, `layouts` finds its header, `days` the
days it tells of, `lines` a line at fault, and `shapes` what tools have added to it. What DuckDB's
reader can't read as it is goes through one of the `copies`. What a report, a file and a layout are
stands in `records`, and why a file is not used in `refusals` and `faults`.
"""
