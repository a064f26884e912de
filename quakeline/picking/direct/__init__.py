"""Recordings to picks in one call: the road of files, streams and arrays, without a workflow."""
