"""A session as a page of a browser and as figures for Prometheus: watched, never changed."""
