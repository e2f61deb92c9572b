"""`invoke bench.pipeline`: how long the way from a saved file to its output is, in a copy of the checkout."""
