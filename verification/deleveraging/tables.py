"""The results as Markdown, as they stand in docs/deleveraging.md."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from undertow.venues.formulas.inputs import ONE, ZERO
from verification.deleveraging import inputs
from verification.deleveraging.payers import CLASSES, Paid, by_class
from verification.deleveraging.results import Results, findings, shock_cause
from verification.deleveraging.waves import SHARE_CAUSE, WAVE_CAUSES, Comparison, WaveRow
from verification.deleveraging.words import clock, percent, short, whole

NOT_AVAILABLE = "not available"


def markdown(results: Results) -> str:
    """All tables, one after another, with their headings."""
    parts = [
        ("Published totals, made again", _totals(results)),
        ("All shocks, two rules", _rules(results)),
        ("Wave by wave (USD)", _waves(results)),
        ("Why they differ", _causes(results)),
        ("The published alternatives (USD)", _alternatives(results)),
        ("Who pays how much: a model (USD)", _payers(results)),
        ("Whose money it is: the same model (USD)", _classes(results)),
        ("What the data say about themselves", [f"- {line}" for line in findings(results)]),
    ]
    lines = []
    for heading, body in parts:
        lines += [f"### {heading}", "", *(body or [NOT_AVAILABLE]), ""]
    if results.missing:
        lines += [f"{NOT_AVAILABLE}: {', '.join(results.missing)}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int] = (0,)
) -> list[str]:
    """A Markdown table; columns of texts to the left, the others to the right."""
    rule = ["---" if column in texts else "---:" for column in range(len(head))]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def _totals(results: Results) -> list[str]:
    if not (results.comparisons or results.arithmetic):
        return []
    wanted = ("all shocks", "all waves")
    rows = [
        [row.quantity, f"{row.published:,.2f}", f"{row.ours:,.2f}", row.cause]
        for row in results.comparisons
        if row.where in wanted
    ]
    for name, found in (
        ("queue overshoot and residual of each shock", results.arithmetic),
        ("overshoot of each wave", _of(results, "overshoot = removed - needed")),
        ("deficit of each wave, in both files", _of(results, "deficit in both files")),
    ):
        agree = sum(c.cause == "none" for c in found)
        differs = "none" if agree == len(found) else "data"
        rows.append([name, f"{len(found):,} figures", f"{agree:,} agree", differs])
    return _table(["figure", "published", "ours", "difference"], rows)


def _of(results: Results, quantity: str) -> list[Comparison]:
    return [row for row in results.comparisons if row.quantity == quantity]


def _rules(results: Results) -> list[str]:
    sums = results.totals
    if sums is None or results.shocks is None:
        return []
    differ = sum(shock_cause(row) == "rule" for row in results.shocks)
    queue = (sums.queue_taken, sums.queue_overshoot, sums.queue_residual)
    ours = (sums.taken, ZERO, sums.uncovered)
    gaps = [other - own for other, own in zip(queue, ours, strict=True)]
    rows = [
        ["the published queue: all closed profit, whatever the deficit", *map(whole, queue)],
        ["any policy that stops at the deficit", *map(whole, ours)],
        [f"difference, in {differ:,} shocks: **rule**", *map(whole, gaps)],
    ]
    return [
        f"{sums.shocks:,} shocks, {sums.with_deficit:,} with a deficit,"
        f" {sums.beyond_capacity:,} of these beyond their capacity; deficits"
        f" {whole(sums.deficit)}, capacities {whole(sums.capacity)}.",
        "",
        *_table(["USD", "taken", "beyond the deficit", "uncovered"], rows),
    ]


def _waves(results: Results) -> list[str]:
    head = ["wave", "begins (UTC)", "deficit, published", "ours", "needed, published", "ours",
            "removed, published", "ours", "overshoot, published", "ours"]  # fmt: skip
    if results.waves is None:
        return []
    rows = [_wave(row) for row in results.waves]
    waves = results.inputs.waves or []
    total = ["all waves", "", *([""] * 8)]
    published = [
        sum((wave.deficit for wave in waves), ZERO),
        sum((wave.needed for wave in waves), ZERO),
        sum((wave.removed for wave in waves), ZERO),
        sum((wave.overshoot for wave in waves), ZERO),
    ]
    total[2::2] = [whole(value) for value in published]
    total[3::2] = [NOT_AVAILABLE] * 4
    if results.outside is not None and results.totals is not None:
        out, both = results.outside, results.totals
        total[3::2] = [
            whole(both.deficit - out.deficit), whole(both.taken - out.taken),
            whole(both.queue_taken - out.queue_taken),
            whole(both.queue_overshoot - out.queue_overshoot),
        ]  # fmt: skip
        rest = [f"{out.shocks} shocks outside", "", *(["", ""] * 4)]
        rest[3::2] = [whole(out.deficit), whole(out.taken), whole(out.queue_taken),
                      whole(out.queue_overshoot)]  # fmt: skip
        rows += [total, rest]
    else:
        rows.append(total)
    causes = ["**difference**", "", *(["", ""] * 4)]
    causes[3::2] = [f"**{cause}**" for cause, _ in WAVE_CAUSES.values()]
    return _table(head, [*rows, causes], texts=(0, 1))


def _wave(row: WaveRow) -> list[str]:
    wave, inside = row
    published = [wave.deficit, wave.needed, wave.removed, wave.overshoot]
    ours = [NOT_AVAILABLE] * 4
    if inside is not None:
        ours = [whole(inside.deficit), whole(inside.taken), whole(inside.queue_taken),
                whole(inside.queue_overshoot)]  # fmt: skip
    pairs = [text for p, o in zip(published, ours, strict=True) for text in (whole(p), o)]
    return [str(wave.wave), clock(wave.start_ms), *pairs]


def _causes(results: Results) -> list[str]:
    rows = []
    for quantity, (cause, reason) in WAVE_CAUSES.items():
        found = _of(results, quantity)
        differ = sum(c.cause != "none" for c in found)
        count = f"{differ} of {len(found)}" if found else NOT_AVAILABLE
        rows.append([quantity, f"**{cause}**", count, reason])
    return _table(
        ["figure", "cause", "waves that differ", "what each side measures"], rows, range(4)
    )


def _alternatives(results: Results) -> list[str]:
    if results.inputs.policies is None:
        return []
    rows = []
    for name in inputs.PUBLISHED_POLICIES:
        found = _of(results, f"raised by {name}")
        raised, ours = sum((c.published for c in found), ZERO), sum((c.ours for c in found), ZERO)
        agree = sum(c.cause == "none" for c in found)
        cause, reason = next(
            ((c.cause, c.reason) for c in found if c.cause != "none"), ("none", "")
        )
        rows.append([f"`{name}`", whole(raised), whole(ours), whole(ours - raised),
                     f"{agree} of {len(found)}", f"**{cause}** {reason}".strip()])  # fmt: skip
    found = _of(results, "largest share under pr")
    agree = sum(c.cause == "none" for c in found)
    cause, reason = SHARE_CAUSE
    rows.append(["largest share under `pr`", "", "", "", f"{agree} of {len(found)}",
                 f"**{cause}** {reason}"])  # fmt: skip
    head = ["policy", "raised, published", "ours", "difference", "waves that agree", "cause"]
    return _table(head, rows, texts=(0, 5))


def _payers(results: Results) -> list[str]:
    if results.paid is None or results.paid_at_once is None:
        return []
    head = ["policy", "taken", "largest payer", "ten largest", "half comes from, accounts",
            "leverage above 1", "one pool: largest payer", "half comes from, accounts"]  # fmt: skip
    rows = [
        [*_paid(row), whole(once.largest), f"{once.half_from:,}"]
        for row, once in zip(results.paid, results.paid_at_once, strict=True)
    ]
    return _table(head, rows)


def _paid(row: Paid) -> list[str]:
    return [
        row.policy,
        whole(row.taken),
        whole(row.largest),
        percent(row.from_ten),
        f"{row.half_from:,}",
        percent(row.from_levered),
    ]


def _classes(results: Results) -> list[str]:
    people = results.people
    if results.paid is None or people is None:
        return []
    bounds = [short(bound) for bound in CLASSES]
    head = [
        "cash of the account",
        f"below {bounds[0]}",
        *_between(bounds),
        f"{bounds[-1]} and more",
    ]
    counts = by_class(people, [ONE] * len(people.members))
    rows = [
        ["accounts", *map(whole, counts)],
        ["what they could lose", *map(whole, by_class(people, people.capacities))],
        *([row.policy, *map(whole, row.by_class)] for row in results.paid),
    ]
    return _table(head, rows)


def _between(bounds: list[str]) -> list[str]:
    return [f"{low} to {high}" for low, high in pairwise(bounds)]
