"""Tests of claims, with what they share."""
