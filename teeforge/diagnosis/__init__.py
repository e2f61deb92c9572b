"""What went wrong, in words: result codes, panics, the record of a run."""
