"""Fibre data: files to prepared recordings, networks applied to them, phases along the fibre."""
