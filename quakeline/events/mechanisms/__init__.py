"""Focal mechanisms from first-motion polarities."""
