"""A finished run to look at in a browser, any event and any time; its picks can be revised."""
