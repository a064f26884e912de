"""Packets of waveforms to picks while they arrive, by the computation that archives get."""
