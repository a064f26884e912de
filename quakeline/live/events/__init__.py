"""Picks of a live session to events, while they arrive, by the chain that archives get.

`window` keeps the picks of the last minutes and makes their events anew; `updates` says what
changed, under ids and version numbers; `journal` and `files` keep it.
"""
