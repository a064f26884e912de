"""Picks and probabilities straight from files, streams or arrays, without a workflow.

The same parts as in the workflow's stages, one after the other in this process: what comes out is
what the workflow gives. Memory does not grow with the length of the data.
"""
