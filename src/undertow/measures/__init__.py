"""Pure functions from tape to figures.

Each takes a tape and a moment ``at`` and knows nothing later; each says what it measures, in
which units and from which tables. What a tape does not hold raises ``NotRecorded``: never 0.
"""
