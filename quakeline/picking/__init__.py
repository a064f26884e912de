"""Probabilities to picks."""
