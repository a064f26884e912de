"""Labelled records of fibres, and networks of `quakeline.DASModel` that are trained on them."""
