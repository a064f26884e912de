"""What an archive holds, read from headers alone, and what the workflow would do with it."""
