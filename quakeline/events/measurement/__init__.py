"""What the waveforms around each pick hold, measured while they exist.

The prepared waveforms of a chunk are temporary and events are located when they are gone. So each
pick keeps a sketch of what surrounds it: bins of the Wood-Anderson deflection and of the motion,
its level in two bands, and spectra of the onset and of what was before. Windows are chosen among
the bins later, when the event is known.
"""
