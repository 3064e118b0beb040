"""Index, mark and funding rate of a venue, computed from what is seen of markets.

These objects remember (averages, intervals) and read no clock: every call says when it is. They
compute in exact decimals; rounding to ticks is the caller's, when a price becomes a command.
"""
