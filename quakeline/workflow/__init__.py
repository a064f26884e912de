"""A run: its configuration, stages, jobs, cluster, outcome and reproduction."""
