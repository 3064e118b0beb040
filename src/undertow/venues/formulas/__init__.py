"""What a venue computes about a levered account, as pure functions: one module per venue.

Every function takes numbers as ``int``, ``Decimal``, ``str`` or ``float`` (a float counts as the
decimal it is printed as), works in decimals of Python's default context (28 digits) and rounds
only where the venue does. Input that no venue could have is refused with an `UndertowError`.
"""
