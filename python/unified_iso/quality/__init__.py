"""The quality report: what is published, how complete it is, and where the raw rows went.

`figures` keeps in the working database what can only be told by reading year files, `told` what the
engine knows of a run, the models of `models/quality` make views of both, and `page` shows these.
"""
