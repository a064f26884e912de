"""The earth below the stations: velocity models with travel times, and where stations stand."""
