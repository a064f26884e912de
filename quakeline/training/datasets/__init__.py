"""Data sets of labelled records: a table, and samples that are read when they are needed."""
