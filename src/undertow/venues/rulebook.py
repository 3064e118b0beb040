"""The rules of a venue on a day, from dated files in which every number has a source.

``rulebook.load("binance-usdm", at="2025-10-10").funding.clamp_rate`` is a Decimal;
``.citation("funding.clamp_rate")`` says who says so; what nobody knows is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import SkipValidation, ValidationError

from undertow.errors import UndertowError, nearest
from undertow.model.periods import duration_ns, time_ns, time_text
from undertow.venues import methods, rule_files
from undertow.venues.instruments import Contract, read_contracts
from undertow.venues.rule_files import Citation, RuleFile
from undertow.venues.rule_models import (
    AdlRules,
    CollateralRules,
    ContractRules,
    FeeRules,
    FundingRules,
    Group,
    IndexRules,
    InsuranceRules,
    LiquidationRules,
    MarginRules,
    MarkRules,
    SettlementRules,
)  # fmt: skip
from undertow.venues.tiers import SlopeMargin, TierTable, read_tables

BUNDLED = Path(__file__).parent / "rules"
# A table read at most this long after the day asked for may stand for it.
TIER_REACH_NS = duration_ns("60d")
# Keys whose value names a method, and the subject that it must be registered under.
METHODS = {
    "mark.model": "mark",
    "mark.delivery_model": "mark",
    "index.model": "index",
    "funding.model": "funding",
    "adl.ranking": "adl",
    "adl.ranking_alternative": "adl",
}
_Value = TypeVar("_Value")


class _Read(Protocol):
    """What was read of one symbol on one day."""

    @property
    def symbol(self) -> str: ...
    @property
    def as_of_ns(self) -> int: ...


_Table = TypeVar("_Table", bound=_Read)


class Rules(Group):
    """One venue's rules at one moment; groups are empty where nothing is known.

    ``at_ns`` is the moment asked for, ``effective_ns`` the start of the last revision before it.
    """

    venue: str
    title: str
    at_ns: int
    effective_ns: int
    citations: SkipValidation[tuple[Citation, ...]] = ()
    tier_tables: SkipValidation[tuple[TierTable, ...]] = ()
    contracts: SkipValidation[tuple[Contract, ...]] = ()
    contract: ContractRules = ContractRules()
    margin: MarginRules = MarginRules()
    liquidation: LiquidationRules = LiquidationRules()
    mark: MarkRules = MarkRules()
    index: IndexRules = IndexRules()
    funding: FundingRules = FundingRules()
    adl: AdlRules = AdlRules()
    insurance: InsuranceRules = InsuranceRules()
    collateral: CollateralRules = CollateralRules()
    settlement: SettlementRules = SettlementRules()
    fees: FeeRules = FeeRules()

    def citation(self, key: str) -> Citation:
        """Source of the value at ``key`` (``funding.clamp_rate``).

        Raises
        ------
        UndertowError
            When these rules hold no such value.
        """
        by_key = {citation.key: citation for citation in self.citations}
        return _pick(f"{self.venue} has no rule", key, by_key)

    def with_values(self, changes: Mapping[str, object], source: str) -> Rules:
        """These rules with some values replaced: what if the venue had done otherwise?

        Parameters
        ----------
        changes
            New values by key, written as in a rules file: ``{"adl.ranking": "pro_rata"}``.
        source
            Who says so, such as the scenario's name; the values count as assumed.

        Raises
        ------
        UndertowError
            For an unknown key or a value of the wrong kind.
        """
        changed = self
        for key, value in changes.items():
            changed = changed._with_value(key, value, source)
        return changed

    def _with_value(self, key: str, value: object, source: str) -> Rules:
        group, _, rest = key.partition(".")
        name, _, entry = rest.partition(".")
        is_table = _pick(f"rule '{key}': no name in '{group}'", name,
                         _pick(f"rule '{key}': no group", group, GROUPS))  # fmt: skip
        if is_table is not bool(entry):
            shape = f"{group}.{name}.SYMBOL" if is_table else f"{group}.{name}"
            raise UndertowError(f"rule '{key}': expected {shape}")
        old = getattr(self, group)
        new = {**dict(getattr(old, name) or ()), entry: value} if entry else value
        try:
            made = type(old).model_validate({**old.model_dump(), name: new})
        except ValidationError as error:
            message = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise UndertowError(f"rule '{key}': {message}, not {value!r}") from None
        if problem := _unknown_method(key, value):
            raise UndertowError(f"rule '{key}': {problem}")
        cited = Citation(key, self.at_ns, source, None, "M", True, None)
        others = tuple(citation for citation in self.citations if citation.key != key)
        return self.model_copy(update={group: made, "citations": (*others, cited)})

    def tiers(self, symbol: str) -> TierTable:
        """Margin tiers of a symbol: the table read nearest to ``at_ns``.

        Tables are dated by the day they were read. One read up to 60 days after the moment asked
        for may be taken; older ones are taken however old, so look at ``as_of_ns``.

        Raises
        ------
        UndertowError
            When the symbol has no table, or only later ones; the message says which it could be.
        """
        return self._read_nearest("margin tiers of", symbol, self.tier_tables, "tiers")

    def instrument(self, symbol: str) -> Contract:
        """Steps and limits of an instrument, as read nearest to ``at_ns``: see :meth:`tiers`.

        Raises
        ------
        UndertowError
            When the symbol has none, or only later ones; the message says which it could be.
        """
        return self._read_nearest("steps and limits of", symbol, self.contracts, "instruments")

    def _read_nearest(
        self, what: str, symbol: str, tables: tuple[_Table, ...], folder: str
    ) -> _Table:
        dated: dict[str, list[_Table]] = {}
        for table in tables:
            dated.setdefault(table.symbol, []).append(table)
        if not dated:
            raise UndertowError(
                f"{self.venue} has no {what} '{symbol}', nor of any other: they are read from"
                f" {folder}/{self.venue}_DATE.csv beside {self.venue}.toml (see CONTRIBUTING.md)"
            )
        of_symbol = _pick(f"{self.venue} has no {what}", symbol, dated)
        near = [table for table in of_symbol if table.as_of_ns <= self.at_ns + TIER_REACH_NS]
        if not near:
            first = time_text(min(table.as_of_ns for table in of_symbol))
            raise UndertowError(
                f"{self.venue}: the first {what} {symbol} were read on {first};"
                f" {time_text(self.at_ns)} is more than 60 days earlier"
            )
        return min(near, key=lambda table: (abs(table.as_of_ns - self.at_ns), table.as_of_ns))

    def slope(self, symbol: str) -> SlopeMargin:
        """Margin that rises in a line with the position, where the venue has such.

        Raises
        ------
        UndertowError
            When the symbol has none.
        """
        margin = self.margin
        base = dict(margin.maintenance_base_rate_by_symbol or ())
        slope = dict(margin.maintenance_slope_rate_by_symbol or ())
        return SlopeMargin(
            dict(margin.initial_base_rate_by_symbol or ()).get(symbol),
            dict(margin.initial_slope_rate_by_symbol or ()).get(symbol),
            _pick(f"{self.venue} has no margin slope of", symbol, base),
            _pick(f"{self.venue} has no margin slope of", symbol, slope),
        )


GROUPS: dict[str, dict[str, bool]] = {
    name: {key: "_by_" in key for key in field.annotation.model_fields}
    for name, field in Rules.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
}


def venues(folder: Path = BUNDLED) -> tuple[str, ...]:
    """Names of the venues that have a rules file."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load(venue: str, at: str | datetime | int | None = None, *, folder: Path = BUNDLED) -> Rules:
    """The rules of a venue as they held at a moment.

    Parameters
    ----------
    venue
        A name such as ``binance-usdm``, or name and moment in one: ``binance-usdm@2025-10-10``.
        Rules of one's own: the path of their file, ``rules/myex.toml@2025-10-10``.
    at
        ISO-8601 text or datetime (no zone means UTC), or nanoseconds since 1970.
    folder
        Where the rules files are: ``VENUE.toml``, ``tiers/VENUE_DATE.csv`` and
        ``instruments/VENUE_DATE.csv``.

    Raises
    ------
    UndertowError
        For an unknown venue, a moment before the first revision, or no moment.
    DataError
        With file, line and key, when a file is not as it must be.
    """
    name, _, written = venue.rpartition("@") if "@" in venue else (venue, "", "")
    if is_own(name):
        name, folder = Path(name).stem, Path(name).parent
    moment = at if at is not None else written
    if moment == "" or (at is not None and written):
        raise UndertowError(f"rules of {name}: say once of when, as in '{name}@2025-10-10'")
    file = read(name, folder)
    return at_moment(file, time_ns(moment))


def is_own(name: str) -> bool:
    """Whether a name of rules is the path of a file, not a venue of the rulebook."""
    return name.endswith(".toml") or "/" in name


def own_files(name: str) -> list[Path]:
    """The files that rules of one's own are read from: the TOML file and its tables.

    Parameters
    ----------
    name
        As `load` takes it; a venue of the rulebook has none.
    """
    path = Path(name.rpartition("@")[0] or name)
    if not is_own(str(path)):
        return []
    tables = (path.parent / kind for kind in ("instruments", "tiers"))
    return [path, *(file for table in tables for file in sorted(table.glob(f"{path.stem}_*.csv")))]


def read(venue: str, folder: Path = BUNDLED) -> RuleFile:
    """A venue's whole file, every revision checked."""
    known = venues(folder)
    if venue not in known:
        if folder != BUNDLED:
            raise UndertowError(f"no rules of venue '{venue}': there is no {folder}/{venue}.toml")
        raise UndertowError(
            f"no rules of venue '{venue}'{nearest(venue, known)}; rules of your own are named by"
            " the path of their file: 'FOLDER/VENUE.toml@DAY'"
        )
    file = rule_files.read(folder / f"{venue}.toml", GROUPS)
    for number, revision in enumerate(file.revisions):
        _merged(file, number)
        for key, value in revision.values.items():
            if problem := _unknown_method(key, value):
                raise file.fault(key, problem, value, number)
    return file


def at_moment(file: RuleFile, at_ns: int) -> Rules:
    """The rules that hold at ``at_ns``: the first revision and every later one until then."""
    past = [n for n, revision in enumerate(file.revisions) if revision.effective_ns <= at_ns]
    if not past:
        first = time_text(file.revisions[0].effective_ns)
        raise UndertowError(
            f"rules of {file.venue} begin on {first}; {time_text(at_ns)} is earlier"
        )
    folder = file.path.parent
    read = {
        "tier_tables": read_tables(folder / "tiers", file.venue),
        "contracts": read_contracts(folder / "instruments", file.venue),
    }
    return _merged(file, past[-1]).model_copy(update={"at_ns": at_ns, **read})


def _merged(file: RuleFile, last: int) -> Rules:
    """Revisions up to number ``last``, the later value of a key over the earlier."""
    values: dict[str, Any] = {}
    citations: dict[str, Citation] = {}
    for revision in file.revisions[: last + 1]:
        for key in revision.unknown:
            del values[key], citations[key]
        values |= revision.values
        citations |= revision.citations
    tree: dict[str, Any] = {}
    for key, value in values.items():
        group, name, *entry = key.split(".", 2)
        fields = tree.setdefault(group, {})
        if entry:
            fields.setdefault(name, {})[entry[0]] = value
        else:
            fields[name] = value
    effective_ns = file.revisions[last].effective_ns
    try:
        return Rules(
            venue=file.venue, title=file.title, at_ns=effective_ns, effective_ns=effective_ns,
            citations=tuple(citations.values()), **tree,
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][:2])
        message = first["msg"].removeprefix("Value error, ")
        raise file.fault(key, message, first.get("input"), last) from None


def _unknown_method(key: str, value: object) -> str | None:
    """What is wrong with the name of a method, if this key's value is one."""
    subject = METHODS.get(key)
    if subject is None or value is None or value in methods.known(subject):
        return None
    return f"no {subject} method '{value}'{nearest(str(value), methods.known(subject))}"


def _pick(message: str, name: str, known: Mapping[str, _Value]) -> _Value:
    if name in known:
        return known[name]
    lowered = {key.lower(): key for key in known}
    close = get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    hint = f"did you mean '{lowered[close[0]]}'? " if close else ""
    raise UndertowError(f"{message} '{name}' ({hint}it has: {', '.join(sorted(known)) or 'none'})")
