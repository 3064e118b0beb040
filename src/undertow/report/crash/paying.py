"""Who paid whom, as a flow picture."""

from __future__ import annotations

from undertow.report.crash import traces
from undertow.report.crash.view import Part, View
from undertow.report.figures import format_usd
from undertow.report.page import Panel

PAYERS = ("margins of longs", "margins of shorts", "insurance funds", "deleveraged winners")
TAKERS = ("the other side of their trades", "cash of insurance funds")
DEFINITION = (
    "A tape has no margins and no entry prices: a loss is counted from the run's first price until"
    " the position was closed. Funds paid what their cash fell by, winners what they gave up"
    " against the mark at the end of that interval, traders the rest: an estimate. Bad debt and"
    " socialised losses are not on the tape; they are in what traders are said to have paid."
)


def section(view: View) -> Part:
    """A flow picture from who paid over the venues to who received, and its table."""
    part = Part()
    venues = view.summary.paid
    if not venues:
        part.panels.append(Panel(title="Who paid whom", missing="Nothing was closed by force."))
        return part
    names = [*PAYERS, *(one.venue for one in venues), *TAKERS]
    flows: list[tuple[str, str, float]] = []
    for one in venues:
        margins = one.longs_usd + one.shorts_usd
        # What funds took in comes out of the margins of those who were closed, in their shares.
        longs = one.longs_usd / margins if margins else 1.0
        flows += [
            (PAYERS[0], one.venue, one.longs_usd + one.fund_income_usd * longs),
            (PAYERS[1], one.venue, one.shorts_usd + one.fund_income_usd * (1 - longs)),
            (PAYERS[2], one.venue, one.insurance_usd),
            (PAYERS[3], one.venue, one.winners_usd),
            (one.venue, TAKERS[0], margins + one.insurance_usd + one.winners_usd),
            (one.venue, TAKERS[1], one.fund_income_usd),
        ]
    part.chart("paid", _sankey(names, [flow for flow in flows if flow[2] > 0]), wide=True,
               size="tall", title="Who paid whom", caption=DEFINITION)  # fmt: skip
    part.panels.append(
        Panel(
            title="Who paid, by venue", numeric=(1, 2, 3, 4, 5, 6), wide=True,
            columns=["venue", "lost by those closed", "margins of longs", "margins of shorts",
                     "insurance funds", "deleveraged winners", "taken in by funds"],
            rows=[
                [one.venue, *(format_usd(value) for value in
                              (one.lost_usd, one.longs_usd, one.shorts_usd, one.insurance_usd,
                               one.winners_usd, one.fund_income_usd))]
                for one in venues
            ],
        )
    )  # fmt: skip
    return part


def _sankey(names: list[str], flows: list[tuple[str, str, float]]) -> traces.Spec:
    used = [name for name in names if any(name in flow[:2] for flow in flows)]
    tones = {PAYERS[0]: "@down", PAYERS[1]: "@up", PAYERS[2]: "@c1", PAYERS[3]: "@c4",
             TAKERS[0]: "@c7", TAKERS[1]: "@c1"}  # fmt: skip
    drawing = {
        "type": "sankey", "name": "", "valueformat": "$.3s", "arrangement": "snap",
        "textfont": {"color": "@ink", "size": 12},
        "node": {"label": used, "color": [tones.get(name, "@c5") for name in used], "pad": 14,
                 "thickness": 14, "line": {"width": 0}},
        "link": {
            "source": [used.index(source) for source, _, _ in flows],
            "target": [used.index(target) for _, target, _ in flows],
            "value": traces.rounded([usd for _, _, usd in flows]),
            "label": [format_usd(usd) for _, _, usd in flows],
            "hovertemplate": "%{source.label} to %{target.label}: %{label}<extra></extra>",
            "color": ["@line" for _ in flows],
        },
    }  # fmt: skip
    return {"data": [drawing], "layout": {"hovermode": "closest", "margin":
                                          {"l": 8, "r": 8, "t": 12, "b": 12}}}  # fmt: skip
