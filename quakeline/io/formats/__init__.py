"""Files of other programs, and text of people: waveforms, inventories, picks, catalogs."""
