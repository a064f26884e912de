"""What `import quakeline` gives: data at hand to picks, picks to a catalog, in memory."""
