# ruff: noqa: T201
"""An insurance fund runs dry in a gap, and winners are closed to pay for the losers."""

from undertow.venues.exchange import Venue

BTC = "BTCUSDT"
losers, winners = [f"long {n}" for n in range(3)], ["calm short", "levered short"]
venue = Venue.open(
    "binance-usdm@2025-10-10", [BTC], accounts=[*losers, *winners], engine="reference"
)
venue.deposit("fund", "2000")
venue.mark(BTC, "122000")
for account, money in ((losers[0], 7000), (losers[1], 7000), (losers[2], 7000),
                       (winners[0], 500000), (winners[1], 12000)):  # fmt: skip
    venue.deposit(account, money)
for account, seller in zip(losers, ("levered short", "calm short", "calm short"), strict=True):
    venue.order(seller, BTC, "sell", 1, 122000)
    venue.order(account, BTC, "buy", 1, 122000)
for event in venue.mark(BTC, "113000"):  # no bid is left between the two prices
    print(event.kind, event.account, event.maker_account or "", event.quantity or "")
for account in ("fund", *winners):
    print(f"\n{venue.statement(account)}")
total = venue.accounts()["equity"].sum()
print(f"\nall accounts together {total:,.2f} of 535,000.00 deposited")
