"""Hold reconciliation against groups and sums that were worked out by hand.

``python -m verification.reconcile --data FOLDER`` wants ``facts/reconcile.json`` and ``articles/``
(JSON with ``text``, ``published``, ``publisher`` and, as ``gold``, the claims) below FOLDER. It
feeds the claims and the library of published figures to ``reconcile`` and says

- for each expected group, in how many of ours its figures are, and whether the best estimate fits;
- for each expected sum, whether we made the same with the same verdict.

``--extracted`` reads the articles with ``undertow.claims.extract`` in place of the gold claims.
The exit code is 1 if a group or a sum is missing.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from undertow.claims.claim import Claim
from undertow.claims.reconcile import Check, Group, Reconciliation, Source, reconcile
from undertow.tape import Tape

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e\d+)?")
CLOCK = re.compile(r"\d\d:\d\d")
SAME_VERDICT = {"scale error x1000": "scale error"}
FOUND = 0.75  # of an expected group's figures in one of ours


def main(arguments: list[str] | None = None) -> int:
    """Print one line for each expected group and sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tape", default="2025-11-04")
    parser.add_argument("--extracted", action="store_true")
    parser.add_argument("--show", action="store_true", help="also what we found")
    given = parser.parse_args(arguments)
    worked_out = given.data / "facts" / "reconcile.json"
    if not worked_out.is_file():
        sys.stdout.write(f"not available: {worked_out}\n")
        return 2
    expected = json.loads(worked_out.read_text(encoding="utf-8"))
    sources = [
        source_of(path, given.data, extracted=given.extracted)
        for path in sorted((given.data / "articles").glob("*.json"))
    ]
    event = expected["event"]
    answer = reconcile(sources, tape=Tape.open(given.tape), tape_name=given.tape, events=[event])
    bonus = {
        key.removeprefix("bonus_groups_"): groups
        for key, groups in expected.items()
        if key.startswith("bonus_groups_")
    }
    missing = score_groups(expected["groups"], answer, event)
    missing += score_checks(expected["arithmetic_checks"], answer)
    for day, groups in bonus.items():
        other = reconcile(sources, tape=Tape.open(day), tape_name=day, events=[day])
        score_groups(groups, other, day)
    if given.show:
        show(answer)
    return 1 if missing else 0


def source_of(path: Path, data: Path, *, extracted: bool) -> Source:
    """An article with its gold claims, or with those that we extract."""
    article = json.loads(path.read_text(encoding="utf-8"))
    text = article.get("text")
    if text is None:
        text = (data / "articles" / Path(article["text_path"]).name).read_text(encoding="utf-8")
    if extracted:
        from undertow.claims.article import Article
        from undertow.claims.extract import extract

        names = ("title", "published", "publisher")
        claims = extract(Article(text=text, **{name: article.get(name) for name in names}))
    else:
        claims = [claim_of(gold, text) for gold in article["gold"]]
    return Source(
        publisher=article["publisher"],
        published=article["published"],
        text=text,
        claims=claims,
    )


def claim_of(gold: dict[str, Any], text: str) -> Claim:
    """A gold claim without what only a judge could know: notes, flags, and the kind "false"."""
    names = set(Claim.__struct_fields__) - {"note", "flags", "start"}
    fields = {name: value for name, value in gold.items() if name in names and value is not None}
    if fields.get("kind") == "false":
        fields["kind"] = "fact"
    return msgspec.convert({**fields, "start": max(text.find(gold["span"]), 0)}, Claim)


def score_groups(expected: list[dict[str, Any]], answer: Reconciliation, event: str) -> int:
    """Print a line for each expected group; how many were not found."""
    missing = 0
    for group in expected:
        wanted = [figure for claim in group["claims"] for figure in figures_of(claim)]
        held = [claim for claim in wanted if any(has(g, claim) for g in answer.groups)]
        best = max(answer.groups, key=lambda g: sum(has(g, claim) for claim in held))
        count = sum(has(best, claim) for claim in held)
        # Figures of one subject may stand in groups of several families: price and supply.
        topic = [g for g in answer.groups if (g.subject, g.episode) == (best.subject, best.episode)]
        count = max(count, sum(any(has(g, claim) for g in topic) for claim in held))
        is_found = bool(held) and count >= FOUND * len(held)
        missing += not is_found
        word = "found  " if is_found else "MISSING"
        name = f"{group['group']} {group['quantity']}"
        print(f"{word} {name}: {count} of {len(held)} in '{best.title}' ({len(wanted)} expected)")
        lost = [claim for claim in held if not has(best, claim)]
        if lost:
            print(f"        not in it: {lost}")
        report_best(group, best)
    print(f"groups of {event}: {len(expected) - missing} of {len(expected)} found")
    return missing


def figures_of(claim: Any) -> list[tuple[float | str, str | None]]:
    """Values and unit of an expected claim; bonus groups give (source, value or values, words)."""
    if isinstance(claim, dict):
        return [(claim["value"], claim["unit"])] if claim["value"] is not None else []
    values = claim[1] if isinstance(claim[1], list) else [claim[1]]
    times = [time for value in values if isinstance(value, str) for time in CLOCK.findall(value)]
    return [(value, None) for value in values if isinstance(value, int | float)] + [
        (time, None) for time in times
    ]


def has(group: Group, claim: tuple[float | str, str | None]) -> bool:
    """Whether a group holds a figure, size for size, or a time of day."""
    value, unit = claim
    if isinstance(value, str):
        return any((item.claim.note or "").startswith(value) for item in group.statements)
    return any(
        math.isclose(abs(end), abs(value), rel_tol=1e-3) and unit in (None, item.claim.unit)
        for item in group.statements
        for end in (item.value, item.claim.value_low, item.claim.value_high)
        if end is not None
    )


def report_best(group: dict[str, Any], best: Group) -> None:
    """Say whether one of our estimates lies in the expected range, or within one percent."""
    wanted = (group.get("best_estimate") or group.get("best") or {}).get("value")
    if not isinstance(wanted, int | float):
        return
    low, high = (group.get("best_estimate") or {}).get("range", (wanted, wanted))
    fits = [
        item
        for item in best.best
        if low * 0.99 <= abs(item.value) <= high * 1.01 or math.isclose(
            abs(item.value), abs(wanted), rel_tol=0.01)
    ]  # fmt: skip
    ours = ", ".join(f"{item.aspect} {item.value:g}" for item in fits or best.best)
    print(f"        best estimate {wanted:g}: {'ours' if fits else 'NOT among ours'} {ours}")


def score_checks(expected: list[dict[str, Any]], answer: Reconciliation) -> int:
    """Print a line for each expected sum; how many are missing or judged otherwise."""
    wrong = 0
    for check in expected:
        verdict = SAME_VERDICT.get(check["verdict"], check["verdict"])
        ours = [c for c in answer.checks if is_same(check, c)]
        right = [c for c in ours if c.verdict == verdict]
        wrong += not right
        word = "right  " if right else "WRONG  " if ours else "MISSING"
        said = f"{(right or ours)[0].expression}: {(right or ours)[0].verdict}" if ours else ""
        print(f"{word} {check['check']} {check['expression']} ({verdict}) {said}")
    print(f"sums: {len(expected) - wrong} of {len(expected)} right")
    return wrong


def is_same(expected: dict[str, Any], check: Check) -> bool:
    """Whether a check of ours has the operands and the stated value of an expected one."""
    numbers = [float(text) for text in NUMBER.findall(expected["expression"])]
    ours = [*check.operands, check.computed, *([check.stated] if check.stated is not None else [])]
    if not all(any(is_scaled(number, our) for our in ours) for number in numbers if number != 1):
        return False
    stated = expected["stated"]
    if stated is None:
        return check.stated is None and is_scaled(expected["computed"], check.computed)
    return check.stated is not None and is_scaled(stated, check.stated, 0.01)


def is_scaled(number: float, our: float, within: float = 2e-3) -> bool:
    """Equal in size, or after percent or millions were written as plain numbers."""
    return any(
        math.isclose(abs(number) * scale, abs(our), rel_tol=within) for scale in (1, 100, 1e6)
    ) or math.isclose(1 - abs(number), abs(our) / 100, rel_tol=within)


def show(answer: Reconciliation) -> None:
    """What we found, group by group."""
    for group in answer.groups:
        print(f"\n## {group.id} {group.title}: {group.relation}; {group.explained_by}")
        for item in group.best:
            print(f"   best {item.aspect}: {item.value:g} [{item.low:g}, {item.high:g}] {item.why}")
        for line in group.conflicts:
            print(f"   ! {line}")
        for item in group.statements:
            said = "; ".join(f"[{e.by}] {e.text}" for e in item.evidence[:2])
            print(f"   {item.id} {item.publisher[:18]} {item.aspect} {item.claim.qualifier}"
                  f" {item.value:g} @{item.claim.as_of}: {item.verdict} | {said}")  # fmt: skip
    for check in answer.checks:
        print(f"   = {check.kind} {check.expression} = {check.computed:g} vs {check.stated}:"
              f" {check.verdict} ({check.note}) {check.publishers}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
