"""One attribute per table, so that editors and type checkers know them."""

from __future__ import annotations

import polars as pl


class TableAccess:
    """``tape.candles`` is ``tape.table("candles")``; columns are described in docs/tables.md."""

    def table(self, name: str) -> pl.LazyFrame:
        """One table, lazily."""
        raise NotImplementedError

    @property
    def candles(self) -> pl.LazyFrame:
        """Traded prices by period."""
        return self.table("candles")

    @property
    def trades(self) -> pl.LazyFrame:
        """Single trades."""
        return self.table("trades")

    @property
    def quotes(self) -> pl.LazyFrame:
        """Best bid and ask."""
        return self.table("quotes")

    @property
    def depth(self) -> pl.LazyFrame:
        """Resting orders within a band around mid."""
        return self.table("depth")

    @property
    def book(self) -> pl.LazyFrame:
        """The order book by level."""
        return self.table("book")

    @property
    def marks(self) -> pl.LazyFrame:
        """Mark, index and last prices."""
        return self.table("marks")

    @property
    def funding(self) -> pl.LazyFrame:
        """Funding rates."""
        return self.table("funding")

    @property
    def open_interest(self) -> pl.LazyFrame:
        """Contracts open."""
        return self.table("open_interest")

    @property
    def liquidations(self) -> pl.LazyFrame:
        """Positions closed by force."""
        return self.table("liquidations")

    @property
    def accounts(self) -> pl.LazyFrame:
        """Accounts liquidated."""
        return self.table("accounts")

    @property
    def insurance(self) -> pl.LazyFrame:
        """Insurance funds."""
        return self.table("insurance")

    @property
    def market(self) -> pl.LazyFrame:
        """Market capitalisation."""
        return self.table("market")

    @property
    def flows(self) -> pl.LazyFrame:
        """Money that moves in or out of funds, companies, groups."""
        return self.table("flows")

    @property
    def defi(self) -> pl.LazyFrame:
        """Lending, stablecoins, vaults, exploits."""
        return self.table("defi")

    @property
    def sentiment(self) -> pl.LazyFrame:
        """Published mood indices."""
        return self.table("sentiment")

    @property
    def events(self) -> pl.LazyFrame:
        """What happened outside the tape's numbers."""
        return self.table("events")

    @property
    def odds(self) -> pl.LazyFrame:
        """Prediction markets."""
        return self.table("odds")
