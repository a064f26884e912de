"""The report page: what it shows (one module for each part) and its template."""
