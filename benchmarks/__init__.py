"""Measurements against peers: `python -m benchmarks.NAME [--quick]`, one JSON object last."""
