"""Tables and stores of a run: written whole or not at all, with provenance and checksums."""
