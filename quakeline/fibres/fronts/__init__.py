"""Onsets of channels to phases that run along the fibre, and to picks for the association."""
