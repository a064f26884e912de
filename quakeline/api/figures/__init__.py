"""Figures of a finished run, drawn with matplotlib in the sizes of papers."""
