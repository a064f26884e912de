"""A catalog beside a reference: which events are in both, how they differ, how complete it is."""
