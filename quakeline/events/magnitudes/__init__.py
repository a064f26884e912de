"""Local magnitudes: amplitudes of stations, scales by name, the median of an event."""
