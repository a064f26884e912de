"""Picks to a catalog: association, location, magnitudes, classes, and what compares catalogs."""
