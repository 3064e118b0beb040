"""Checks against what really happened; each is a program of its own (see README.md)."""
