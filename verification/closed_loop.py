"""Run the closed loop on all bundled events, and ask what its own feedback does.

``python -m verification.closed_loop [PART ...] [--runs DIR] [--step 60s] [--accounts SHARE]``
prints Markdown. The parts:

- ``events``: each event's falls, liquidations, open interest, rebound, depth, deleveraging and
  dispersion, then what was published beside what the run says;
- ``ablation``: the same runs with nobody forced: no account of the crowd has borrowed
  (``max_leverage`` 1 for it), all else is as it was. The amplification is the fall with forced
  orders over the fall without;
- ``quiet``: days that begin as 3 November 2025 did and have no shock, one seed each; a false
  cascade liquidates more than 1 % of the open interest in a day;
- ``steps``: the market ``gap`` and the first leg of 2020, with steps of 0.25, 1 and 5 seconds;
- ``leverage``: 4 November 2025 with 20 times leverage at most, on both paths.

A sample of accounts stands for the crowd (sizes are scaled), so that a run takes a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from undertow.lab.compare import compare
from undertow.lab.run import run
from undertow.lab.scenario import Scenario, load
from undertow.lab.summary import Summary, summary

EVENTS = ("2020-03-12", "2021-05-19", "2022-11-08", "2025-10-10", "2025-11-04")
PARTS = ("events", "ablation", "quiet", "steps", "leverage")
FALSE_CASCADE = 0.01  # of open interest in a day; real quiet days have 0.1 to 0.3 % (assumed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of the parts asked for."""
    parser = argparse.ArgumentParser(description="The closed loop, held against what happened.")
    parser.add_argument("parts", nargs="*", default=list(PARTS), choices=PARTS)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--step", default="60s", help="of all runs but those of steps")
    parser.add_argument("--accounts", type=float, default=0.1, help="share of the scenario's")
    parser.add_argument("--event", action="append", choices=EVENTS)
    parser.add_argument("--days", type=int, default=20, help="quiet days")
    parser.add_argument("--steps", nargs="+", default=["250ms", "1s", "5s"], metavar="LENGTH")
    given = parser.parse_args(arguments)
    chosen = given.event or list(EVENTS)
    for part in given.parts:
        print(f"\n## {part}\n")
        if part in ("events", "ablation"):
            for event in chosen:
                _event(_coarse(load(event), given), given.runs, is_ablated=part == "ablation")
        elif part == "quiet":
            _quiet(_coarse(load("2025-11-04"), given), given.runs, given.days)
        elif part == "steps":
            _steps(given.runs, given.steps)
        else:
            _leverage(_coarse(load("2025-11-04"), given), given.runs)
    return 0


def _coarse(scenario: Scenario, given: argparse.Namespace) -> Scenario:
    values: dict[str, object] = {"span.step": given.step}
    for venue in scenario.venues:
        values[f"venue.{venue.id}.accounts"] = max(300, int(venue.accounts * given.accounts))
    return scenario.with_values(values)


def without_force(scenario: Scenario) -> Scenario:
    """The scenario with a crowd that has not borrowed: nobody is ever liquidated."""
    return scenario.with_values(
        {f"agent.{one.name}.settings.max_leverage": 1 for one in scenario.agents
         if one.kind == "crowd"}
    )  # fmt: skip


def _event(scenario: Scenario, runs: Path, *, is_ablated: bool) -> None:
    made = run(scenario, path="model", folder=runs)
    if is_ablated:
        calm = run(without_force(scenario), path="model", folder=runs)
        _amplified(summary(made), summary(calm), scenario.name)
        return
    print(f"### {scenario.name}\n\n{_headline(summary(made))}\n")
    print("| published figure | asset | as of | published | run | ratio |")
    print("|---|---|---|--:|--:|--:|")
    for row in compare(made):
        if not row.given and row.scored:
            print(
                f"| {row.metric} | {row.asset} | {row.as_of} | {row.published:,.4g} {row.unit} "
                f"| {row.simulated:,.4g} | {row.ratio:.2f} |"
            )
    print()


def _amplified(made: Summary, calm: Summary, name: str) -> None:
    for fall in made.falls:
        other = calm.fall(fall.asset)
        if other is not None and other.fall > 0 and fall.asset in ("BTC", "XBT", "ETH"):
            print(
                f"- {name} {fall.asset}: fall {fall.fall:.2%}, without force {other.fall:.2%},"
                f" amplification {fall.fall / other.fall:.2f}"
            )
    print(f"  liquidated without force: {calm.true.total_usd / 1e6:,.0f} million dollars")


def _headline(one: Summary) -> str:
    """What a run did, in one line per subject."""
    lines = []
    for fall in one.falls:
        half = "not within the run" if fall.half_recovery_s is None else (
            f"{fall.half_recovery_s / 3600:.1f} h"
        )  # fmt: skip
        back = "none" if fall.rebound is None else f"{fall.rebound:.0%}"
        lines.append(
            f"- {fall.asset}: fall {fall.fall:.2%}, made good {back}, half of it after {half}"
        )
    btc = one.fall("BTC")
    others = [fall.fall for fall in one.falls if fall.asset not in ("BTC", "ETH")]
    if btc is not None and btc.fall > 0 and others:
        lines.append(
            f"- other coins' mean fall over BTC's: {sum(others) / len(others) / btc.fall:.2f}"
        )
    adl = "none" if one.adl_share is None else f"{one.adl_share:.1%}"
    lines.append(
        f"- liquidated {one.true.total_usd / 1e6:,.0f} million dollars, largest 24 hours"
        f" {one.true.peak_day_usd / 1e6:,.0f}; shown {one.shown.total_usd / 1e6:,.0f};"
        f" deleveraged share {adl}"
    )
    lines += [
        f"- open interest {interest.asset} {interest.change:+.1%}"
        for interest in one.open_interest if interest.asset in ("ALL", "BTC", "ETH")
    ]  # fmt: skip
    lines += [
        f"- thinnest book {depth.asset}, {depth.kind}, within 1 %:"
        f" {depth.trough_usd / max(depth.before_usd, 1.0):.0%} of before"
        for depth in one.depth if depth.asset in ("BTC", "ETH") and depth.band == 0.01
    ]  # fmt: skip
    lines += [
        f"- widest gap between venues {gap.asset}: {gap.gap:.2%}"
        for gap in one.gaps if gap.asset in ("BTC", "ETH")
    ]  # fmt: skip
    return "\n".join(lines)


def _quiet(scenario: Scenario, runs: Path, days: int) -> None:
    calm = scenario.with_values({"span.length": "24h"})
    # News and sales are made nothing: their times stay, so that it is the same scenario.
    nothing: dict[str, object] = {}
    for shock in calm.shocks:
        key = "severity" if shock.kind == "news" else "notional_usd"
        nothing[f"shock.{shock.name}.{key}"] = 0
    calm = calm.with_values(nothing)
    cascades = 0
    for seed in range(1, days + 1):
        one = summary(run(calm, seed=seed, path="model", folder=runs), brief=True)
        whole = next(each for each in one.open_interest if each.asset == "ALL")
        share = one.true.total_usd / whole.start_usd
        cascades += share > FALSE_CASCADE
        btc = one.fall("BTC")
        fall = float("nan") if btc is None else btc.fall
        print(f"- seed {seed}: BTC fell {fall:.2%} at most, {share:.2%} liquidated", flush=True)
    print(f"\n{cascades} of {days} days were false cascades.")


def _steps(runs: Path, steps: Sequence[str]) -> None:
    """A market without a cascade, and the first leg of 2020, which has one."""
    leg = {"span.start": "2020-03-12T09:30:00Z", "span.length": "2h"}
    for scenario in (load("gap"), load("2020-03-12").with_values(leg)):
        found: list[tuple[str, Summary]] = []
        for step in steps:
            made = run(scenario.with_values({"span.step": step}), path="model", folder=runs)
            found.append((step, summary(made)))
        base = found[min(1, len(found) - 1)][1]  # one second, as the steps are given
        for step, one in found:
            fall, first = one.falls[0], base.falls[0]
            print(
                f"- {scenario.name}, step {step}: low {fall.low:,.1f}"
                f" ({fall.low / first.low - 1:+.2%}), liquidated"
                f" {one.true.total_usd / 1e6:,.1f} million"
                f" ({one.true.total_usd / max(base.true.total_usd, 1.0) - 1:+.0%})",
                flush=True,
            )


def _leverage(scenario: Scenario, runs: Path) -> None:
    for path in ("real", "model"):
        changes: Mapping[str, object]
        for changes in ({}, {"max_leverage": 20}):
            changed = scenario.with_values({**changes, **_pace(path)})
            one = summary(run(changed, path=path, folder=runs), brief=True)
            btc = one.fall("BTC")
            fall = float("nan") if btc is None else btc.fall
            print(
                f"- {path} path, {dict(changes) or 'as it was'}: BTC fell {fall:.2%},"
                f" {one.true.total_usd / 1e6:,.0f} million liquidated"
            )


def _pace(path: str) -> dict[str, object]:
    """Steps of a run on the real path, as the command line takes them."""
    return {"span.record": "300s", "span.step": "150s"} if path == "real" else {}


if __name__ == "__main__":
    raise SystemExit(main())
