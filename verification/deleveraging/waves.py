"""Wave by wave: the published figures beside ours, and for each difference its cause.

A difference is *data* (another quantity was measured, or other accounts counted), *rule* (the same
figures under another rule) or *model* (one side is a counterfactual that nobody observed).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from undertow.venues.formulas import adl_theory
from undertow.venues.formulas.inputs import ZERO
from verification.deleveraging.inputs import Inputs, PublishedPolicies, Wave
from verification.deleveraging.shocks import CENT, Recomputed, ShockTotals, totals

# The published shares carry 15 digits and stand for rates of profit.
RATE_TOLERANCE = Decimal("1e-12")

WAVE_CAUSES = {
    "deficit": (
        "data",
        "published: equity of the accounts that were liquidated, the lowest in the wave, so that"
        " one account counts again in every wave; per-shock file: equity of the accounts that were"
        " deleveraged, once per closure",
    ),
    "needed": (
        "data",
        "published: distance of mark and price times size over the wave's closures, which the"
        " per-shock file does not hold; ours: that file's deficit, as far as its capacity reaches",
    ),
    "removed": (
        "model",
        "published: equity without deleveraging less equity with it, on the same prices (two"
        " replays); ours: what the published queue takes, the whole closed profit",
    ),
    "overshoot": (
        "model",
        "published: removed less needed, both of the replay; ours: the queue's taking beyond the"
        " deficit, summed over shocks",
    ),
}
POLICY_CAUSES = {
    "vector": (
        "rule",
        "the budget is split over coins, and only who holds a coin pays for it; what they cannot"
        " pay stays open",
    ),
    "contract_pr": (
        "rule",
        "whole contracts, split over coins; nobody pays more than profit and equity, and the rest"
        " stays open",
    ),
    "fixed_point_ilp_integer": (
        "rule",
        "whole contracts, rounded up to reach the budget; less where the contracts do not reach it",
    ),
}
SHARE_CAUSE = (
    "data",
    "published: the largest share of an equity; ours: the common share of profit. They agree"
    " where some account's profit reaches its equity; the file has no accounts",
)
SAME = ("data", "expected to agree to a cent: the published files contradict each other")


class Comparison(NamedTuple):
    """A published figure beside ours; ``cause`` is none, data, rule or model."""

    where: str
    quantity: str
    published: Decimal
    ours: Decimal
    cause: str
    reason: str

    @property
    def difference(self) -> Decimal:
        """Ours less published."""
        return self.ours - self.published


class WaveRow(NamedTuple):
    """A wave as published, and the shocks inside it."""

    wave: Wave
    inside: ShockTotals | None


def compare(
    where: str,
    quantity: str,
    published: Decimal,
    ours: Decimal,
    cause: tuple[str, str] = SAME,
    tolerance: Decimal = CENT,
) -> Comparison:
    """Set two figures side by side; a cause is given only where they differ."""
    if abs(ours - published) < tolerance:
        return Comparison(where, quantity, published, ours, "none", "")
    return Comparison(where, quantity, published, ours, *cause)


def by_wave(waves: Sequence[Wave], shocks: Sequence[Recomputed] | None) -> list[WaveRow]:
    """The shocks that lie within each wave, added up; None without shocks."""
    if shocks is None:
        return [WaveRow(wave, None) for wave in waves]
    return [WaveRow(wave, totals([s for s in shocks if _is_within(s, wave)])) for wave in waves]


def outside(waves: Sequence[Wave], shocks: Sequence[Recomputed]) -> ShockTotals:
    """The shocks that lie in none of the waves."""
    return totals([s for s in shocks if not any(_is_within(s, wave) for wave in waves)])


def _is_within(row: Recomputed, wave: Wave) -> bool:
    return wave.start_ms <= row.shock.start_ms and row.shock.end_ms <= wave.end_ms


def of_waves(rows: Sequence[WaveRow]) -> Iterator[Comparison]:
    """Deficit, needed, removed and overshoot of every wave."""
    for wave, inside in rows:
        where = f"wave {wave.wave}"
        yield compare(
            where, "overshoot = removed - needed", wave.overshoot, wave.removed - wave.needed
        )
        if inside is None:
            continue
        ours = {
            "deficit": (wave.deficit, inside.deficit),
            "needed": (wave.needed, inside.taken),
            "removed": (wave.removed, inside.queue_taken),
            "overshoot": (wave.overshoot, inside.queue_overshoot),
        }
        for quantity, (published, recomputed) in ours.items():
            yield compare(where, quantity, published, recomputed, WAVE_CAUSES[quantity])


def of_policies(published: Sequence[PublishedPolicies]) -> Iterator[Comparison]:
    """What the published alternatives raised, against pro-rata over the wave's capacity."""
    for wave in published:
        where = f"wave {wave.wave}"
        ours = sum(adl_theory.pro_rata(wave.needed, [wave.capacity]).seized, ZERO)
        for name, raised in wave.raised.items():
            yield compare(where, f"raised by {name}", raised, ours, POLICY_CAUSES.get(name, SAME))
        rate = adl_theory.haircut_rate(wave.needed, wave.capacity)
        yield compare(
            where,
            "largest share under pr",
            wave.largest_share,
            rate,
            SHARE_CAUSE,
            RATE_TOLERANCE,
        )


def of_shocks(shocks: Sequence[Recomputed]) -> Iterator[Comparison]:
    """The published queue's own arithmetic, shock by shock."""
    for row in shocks:
        where = f"{row.shock.coin} {row.shock.cluster}"
        yield compare(where, "queue overshoot", row.shock.queue_overshoot, row.queue_overshoot)
        yield compare(where, "queue residual", row.shock.queue_residual, row.queue_residual)


def of_totals(inputs: Inputs, shocks: Sequence[Recomputed] | None) -> Iterator[Comparison]:
    """The published totals, made again from the tables they came from."""
    ours = None if shocks is None else totals(shocks)
    if ours and inputs.totals:
        for name, sum_of_ours in (
            ("overshoot", ours.queue_overshoot),
            ("residual", ours.queue_residual),
        ):
            yield compare(
                "all shocks", f"queue {name}", inputs.totals[f"total_{name}"], sum_of_ours
            )
    if inputs.waves is not None:
        yield from _of_wave_totals(inputs, inputs.waves)
    if ours and inputs.headlines:
        yield compare(
            "all shocks",
            "naive expected profit closed = queue overshoot / (equity per profit)",
            inputs.headlines["naive expected profit closed"],
            ours.queue_overshoot / inputs.headlines["equity per profit, trimmed mean"],
        )


def _of_wave_totals(inputs: Inputs, published: Sequence[Wave]) -> Iterator[Comparison]:
    sums = {
        "deficit": sum((wave.deficit for wave in published), ZERO),
        "needed": sum((wave.needed for wave in published), ZERO),
        "removed": sum((wave.removed for wave in published), ZERO),
        "overshoot": sum((wave.removed - wave.needed for wave in published), ZERO),
    }
    for name, total in (inputs.summary or {}).items():
        yield compare("all waves", f"{name}, all waves", total, sums[name])
    if inputs.headlines:
        headline = inputs.headlines["overshoot in production"]
        yield compare("all waves", "overshoot in production", headline, sums["overshoot"])
    for wave in published:
        if inputs.deficits and wave.wave in inputs.deficits:
            yield compare(
                f"wave {wave.wave}",
                "deficit in both files",
                inputs.deficits[wave.wave],
                wave.deficit,
            )
