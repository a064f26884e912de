"""From raw data to prepared waveforms: sources and preparation."""
