"""Pure functions on arrays of samples: no files, no configuration."""
