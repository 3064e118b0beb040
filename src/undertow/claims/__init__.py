"""Claims: figures that somebody published, read from articles and held against the data."""
