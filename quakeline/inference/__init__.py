"""The engine: window grid, batches, network, stitched probabilities."""
