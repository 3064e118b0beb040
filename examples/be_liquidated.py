# ruff: noqa: T201
"""The same position and the same fall, by the rules of Binance and of Hyperliquid."""

from undertow.venues.exchange import Venue

for rules, symbol in (("binance-usdm@2025-10-10", "BTCUSDT"), ("hyperliquid@2025-10-10", "BTC")):
    venue = Venue.open(rules, [symbol], accounts=["alice", "maker"], engine="reference")
    venue.deposit("alice", "13000")
    venue.deposit("maker", "1000000")
    venue.mark(symbol, "122000")
    venue.order("maker", symbol, "sell", "2", "122000")
    venue.order("alice", symbol, "buy", "2", "122000")  # 244,000 with 13,000 of margin
    for price in ("117000", "116500", "116000", "115500"):
        venue.order("maker", symbol, "buy", "0.5", price)
    print(rules, "liquidates alice at", venue.liquidation_price("alice", symbol))
    for mark in ("119000", "117000", "116000", "114000"):
        for event in venue.mark(symbol, mark):
            print(f"  {mark}  {event.kind} {event.reason} {event.quantity or ''}")
    print(venue.statement("alice"), "\n")
