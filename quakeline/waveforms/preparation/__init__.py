"""From raw files to waveforms: channels, responses, gaps, one grid."""
