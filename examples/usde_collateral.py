# ruff: noqa: T201
"""The same wick of USDe, counted by the venue's own book and by what USDe can be redeemed for."""

from undertow.venues.exchange import Venue
from undertow.venues.exchange_collateral import Collateral

BTC, USDE = "BTCUSDT", "USDEUSDT"
for source in ("own_spot_book", "redemption_value"):
    usde = Collateral("USDE", haircut="0.05", price=source, tick="0.0001", lot="1")
    names = ["alice", "maker", "seller"]
    venue = Venue.open("binance-usdm@2025-10-10", [BTC], accounts=names, collateral=[usde])
    venue.deposit("maker", 1_000_000)
    venue.deposit("alice", 12_500, asset="USDE")
    venue.deposit("seller", 200_000, asset="USDE")
    venue.mark(BTC, 122000)
    venue.asset_price("USDE", 1)
    venue.order("maker", BTC, "sell", 1, 122000)
    venue.order("alice", BTC, "buy", 1, 122000)  # she has no cash: all her margin is USDe
    venue.order("maker", BTC, "buy", 1, 114400)
    for price, quantity in (("0.999", 50_000), ("0.9", 50_000), ("0.65", 200_000)):
        venue.order("maker", USDE, "buy", quantity, price)
    venue.mark(BTC, 114500)  # she has lost 7,500 of the 11,875 that her USDe count
    venue.order("seller", USDE, "sell", 150_000)  # the wick, in this book only
    events = venue.asset_price("USDE", 1)  # redeemed at par all the time
    print(f"{source}: {', '.join(event.kind for event in events) or 'nobody is liquidated'}\n")
    print(venue.statement("alice"), venue.statement("alice", asset="USDE"), "", sep="\n\n")
