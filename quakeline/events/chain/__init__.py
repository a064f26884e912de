"""Picks to a catalog, in memory: associate, locate, magnitude, classify, merge.

One module for each step, of the name of its stage and of its section of the configuration: the
section (`Settings`) and the step, tables in, tables out. `whole` puts them in a row. The stages
read products, call the same steps and write products; `quakeline catalog`, `quakeline.catalog` and
`quakeline tune` call them in memory. So every road gives the same tables.
"""
