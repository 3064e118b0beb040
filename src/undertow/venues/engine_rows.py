"""The rows in which an engine takes commands, and tells events and what it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.exchange_arrays import COMMAND, EVENT

__all__ = ["ACCOUNT", "BALANCE", "COMMAND", "EVENT", "MARKET", "ORDER", "POSITION", "Records"]
Records = NDArray[Any]

ACCOUNT = np.dtype([
    (name, np.int64) for name in ("account", "cash_units", "hedge", "portfolio")
])  # fmt: skip
BALANCE = np.dtype([(name, np.int64) for name in ("account", "asset", "units", "margin_units")])
POSITION = np.dtype([
    (name, np.int64)
    for name in ("account", "instrument", "leg", "leverage", "isolated", "lots", "basis_units",
                 "margin_units")
])  # fmt: skip
ORDER = np.dtype([
    (name, np.int64)
    for name in ("account", "instrument", "leg", "side", "order_id", "price_ticks",
                 "quantity_lots", "expire_ns", "post_only", "reduce_only", "sequence")
])  # fmt: skip
MARKET = np.dtype([
    (name, np.int64) for name in ("mark_ticks", "previous_mark_ticks", "last_ticks", "halted")
])  # fmt: skip
