"""Numba only: functions over arrays, without objects, clock or dice. No public interface."""
