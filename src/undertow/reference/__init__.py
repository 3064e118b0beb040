"""The specification: what the kernels do, in plain Python, for reading and for comparison."""
