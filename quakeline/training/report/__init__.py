"""What came of a training, as a page and as pictures."""
