"""Places where a levered position can be closed by force, and the rules they do it by."""
