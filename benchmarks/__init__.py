"""Benchmarks: ``python -m benchmarks [--data FOLDER] [--peers FOLDER]``; see README.md here."""
