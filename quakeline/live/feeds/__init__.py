"""Where packets of waveforms come from: one plug-in per protocol or kind of data."""
