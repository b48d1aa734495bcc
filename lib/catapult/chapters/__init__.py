"""The rooms: all that belongs to one chapter, its experiment, figures and checks, in the folder of its name.

A room's name is the chapter's id with _ for -. One without a page has an experiment alone. An *experiment* is a module
with ``Parameters`` and ``run(parameters)``; *figures* take its results and never train; a *check* measures what a row
of ``claims.yml`` states.
"""
