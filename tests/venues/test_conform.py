"""``undertow conform`` as a user runs it: what passes, what fails and how, what is unreadable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from making import Undertow
from undertow import cli
from undertow.errors import DataError
from undertow.venues.conformance.compare import differences, tolerance_fault
from undertow.venues.conformance.run import SYSTEMS, run
from undertow.venues.conformance.vectors import read_vectors

MARK: dict[str, Any] = {
    "id": "mark", "system": "binance_usdm",
    "inputs": {"price1": 50010.0, "price2": 50025.0, "contract_price": 49900.0},
    "expected": {"mark": 50010.0}, "tolerance": {"abs": 0},
}  # fmt: skip
POSITIONS = [
    {"id": "A", "q": 1, "c": 2, "b": 1},
    {"id": "C", "q": 4, "c": 2.6666666666666665, "b": -1},
]


def vector(system: str, inputs: dict[str, Any], expected: Any, tolerance: Any = "exact") -> Any:
    return {"id": "one", "system": system, "inputs": inputs, "expected": expected,
            "tolerance": tolerance}  # fmt: skip


def outcome(tmp_path: Path, *entries: Any) -> Any:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps(entries))
    return run(read_vectors(path))


def reasons(tmp_path: Path, *entries: Any) -> list[str]:
    return [failure.reason for failure in outcome(tmp_path, *entries).failures]


def conform(path: Path, *options: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(cli.app, ["conform", str(path), *options])
    return result.exit_code, result.stdout.splitlines()


def test_all_pass(tmp_path: Path, undertow: Undertow) -> None:
    (tmp_path / "v.json").write_text(json.dumps([MARK]))
    run = undertow("conform", "v.json")
    assert (run.returncode, run.stdout, run.stderr) == (0, "1 passed, 0 failed\n", "")


def test_one_line_per_failure(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    wrong = MARK | {"id": "wrong", "expected": {"mark": 50010.5, "index": 1}}
    later = MARK | {"id": "swap", "system": "uniswap_v2"}
    shape = MARK | {"id": "shape", "inputs": {"price1": 1, "b": 2}}
    refused = MARK | {"id": "zero", "inputs": MARK["inputs"] | {"price2": 0}}
    path.write_text(json.dumps([wrong, MARK, later, shape, refused]))
    code, lines = conform(path)
    assert code == 1
    assert lines == [
        "wrong: mark: expected 50010.5, got 50010 (tolerance {abs: 0})",
        "wrong: index: expected 1, got nothing (tolerance {abs: 0})",
        "swap: unknown system uniswap_v2",
        "shape: unknown inputs for binance_usdm: b, price1",
        "zero: refused: price 2: expected more than 0, got 0",
        "1 passed, 4 failed",
    ]


def test_json_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    path.write_text(json.dumps([MARK, MARK | {"id": "wrong", "expected": {"mark": 1}}]))
    code, lines = conform(path, "--json")
    content = json.loads("\n".join(lines))
    assert code == 1
    assert (content["passed"], content["failed"]) == (1, 1)
    assert content["systems"] == {"binance_usdm": {"passed": 1, "failed": 1}}
    (failure,) = content["failures"]
    assert (failure["id"], failure["key"]) == ("wrong", "mark")
    assert (failure["expected"], failure["got"]) == ("1", "50010")


def test_an_empty_list_has_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    path.write_text("[]")
    assert conform(path) == (0, ["0 passed, 0 failed"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[{", "not JSON"),
        ("", "not JSON"),
        ("{}", "expected a list"),
        ("[1]", "entry 1: expected an object"),
        ('[{"id": "a"}]', "entry 1 ('a'): 'system' is missing"),
        ("[NaN]", "NaN"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "number that cannot be read"),
        ("[1.0e99999999999999999999]", "number that cannot be read"),
    ],
)
def test_an_unreadable_file(tmp_path: Path, undertow: Undertow, text: str, told: str) -> None:
    (tmp_path / "v.json").write_text(text)
    run = undertow("conform", "v.json")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("undertow: v.json")
    assert told in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": 5}, "'id'"),
        ({"inputs": []}, "'inputs'"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = tmp_path / "v.json"
    path.write_text(json.dumps([MARK, MARK | change]))
    with pytest.raises(DataError, match="entry 2") as error:
        read_vectors(path)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expected": {}}, "expected some values, or a refusal, as 'expected'"),
        ({"expected": "nothing"}, "expected some values, or a refusal, as 'expected'"),
        ({"expected": [1]}, "expected some values, or a refusal, as 'expected'"),
        ({"tolerance": {"about": 1}}, "unknown tolerance 1"),
        ({"tolerance": {"abs": -1}}, "'tolerance' is below 0"),
        ({"tolerance": {"abs": 1e-9, "rel": 1}}, "unknown tolerance {abs: 1e-9, rel: 1}"),
        ({"tolerance": "roughly"}, "unknown tolerance roughly"),
        ({"tolerance": None}, "unknown tolerance null"),
    ],
)
def test_an_entry_without_a_comparison_fails_alone(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    """The rest of the file is still compared."""
    path = tmp_path / "v.json"
    path.write_text(json.dumps([MARK | {"id": "odd"} | change, MARK]))
    assert conform(path) == (1, [f"odd: {told}", "1 passed, 1 failed"])


def test_a_tolerance_may_miss_only_where_nothing_is_compared(tmp_path: Path) -> None:
    bare = {key: value for key, value in MARK.items() if key != "tolerance"}
    refused = bare | {"inputs": MARK["inputs"] | {"price1": 0}, "expected": {"error": "price 1"}}
    assert reasons(tmp_path, refused) == []
    assert reasons(tmp_path, bare) == ["'tolerance' is missing"]


def test_no_file(tmp_path: Path, undertow: Undertow) -> None:
    run = undertow("conform", "none.json")
    assert run.returncode == 2
    assert run.stderr == "undertow: none.json: No such file or directory\n"


def test_text_that_no_terminal_can_write(tmp_path: Path, undertow: Undertow) -> None:
    entry = MARK | {"id": "a\ud800\nb", "system": "\udfff"}
    (tmp_path / "v.json").write_text(json.dumps([entry]))
    for options in ((), ("--json",)):
        run = undertow("conform", "v.json", *options)
        assert run.returncode == 1, run.stderr
        assert "unknown system" in run.stdout
        assert run.stdout.count("\n") == 2 - len(options)


@pytest.mark.parametrize(
    ("expected", "got", "tolerance", "agrees"),
    [
        (1, 1, "exact", True),
        (True, 1, "exact", False),
        (0.1, "0.1", "exact", False),
        ("0.1", 0.1, "exact", True),
        ("0.1", 0.2, {"abs": 0.05}, False),
        ("nan", 1, {"abs": 9}, False),
        ("b", "a", {"abs": 9}, False),
        ("123456789012345678901234567890", 123456789012345678901234567890, "exact", True),
        ("123456789012345678901234567890", 123456789012345678901234567891, "exact", False),
        ("123456789012345678901234567890", 123456789012345678901234567891, {"abs_wei": 1}, True),
        ("-7", -9, {"abs_raw": 2}, True),
        ("-7", -10, {"abs_raw": 2}, False),
        ([1, 2], [1, 2.5], {"abs": 0.5}, True),
        ([1, 2], [1], {"abs": 0.5}, False),
        ({"a": 1}, {"a": 1.1}, {"rel": 0.1}, True),
        ({"a": 1}, {"a": 1.2}, {"rel": 0.1}, False),
        ({"a": 1}, {"b": 1}, {"rel": 9}, False),
        (["b", "a"], ["a", "b"], {"rel": 9}, False),
        (5, 6, {"k": {"abs": 1}}, True),
        (5, 6, {"other": {"abs": 1}, "else": "exact"}, False),
        (5, 6, {"other": {"abs": 1}}, False),
        (5, 6, {"other": "exact", "else": {"abs": 1}}, True),
        (None, 1, {"abs": 9}, False),
    ],
)
def test_tolerances(tmp_path: Path, expected: Any, got: Any, tolerance: Any, agrees: bool) -> None:
    path = tmp_path / "v.json"  # as read from a file: numbers with a point are exact decimals
    path.write_text(json.dumps([vector("x", {"got": got}, {"k": expected}, tolerance)]))
    (read,) = read_vectors(path)
    assert tolerance_fault(read.tolerance) is None
    found = differences(read.expected, {"k": read.inputs["got"]}, read.tolerance)
    assert (not found) == agrees


BINANCE = {"margin_mode": "isolated", "side": "long", "entry_price": 10, "position_base": 1,
           "mmr": 0.01}  # fmt: skip
CROSS = {"symbol": "X", "entry_price": 10, "position_base": 1, "mmr": 0.01, "mark_price": 10}
PASSING: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("binance_usdm", BINANCE | {"isolated_wallet": 2}, {"liquidation_price": 8.080808}, 1e-6),
    ("binance_usdm", BINANCE | {"isolated_wallet": 20}, {"liquidation_price": None}, 1e-6),
    ("binance_usdm", BINANCE | {"isolated_wallet": 20}, {"liquidation_price": -10.10101}, 1e-5),
    ("binance_usdm", BINANCE | {"side": "flat", "isolated_wallet": 2}, {"error": "side"}, 0),
    ("binance_usdm", BINANCE | {"margin_mode": "any", "isolated_wallet": 2}, "error", 0),
    ("binance_usdm", {"symbol": "BTCUSDT", "as_of": "2024-10-24", "notional_usdt": 5000000},
     {"maintenance_margin_usdt": 38550}, 0),
    ("binance_usdm", {"symbol": "BTCUSDT", "as_of": "then", "notional_usdt": 5}, "error", 0),
    ("binance_usdm", {"symbol": "NONE", "as_of": "2024-10-24", "notional_usdt": 5}, "error", 0),
    ("binance_usdm", {"margin_mode": "cross_hedge", "side": "long",
                      "cross_wallet_balance_usdt": 3, "position": CROSS | {"position_base": 2},
                      "other_positions": [CROSS | {"side": "short"}]},
     {"liquidation_price": 7.2164948, "TMM_other": 0, "UPNL_other": 0}, 1e-6),
    ("binance_usdm", {"margin_mode": "cross_one_way", "side": "long",
                      "cross_wallet_balance_usdt": 3, "position": CROSS,
                      "other_positions": [CROSS]}, "error", 0),
    ("binance_usdm", {"margin_mode": "cross_one_way", "side": "short",
                      "cross_wallet_balance_usdt": 3, "position": CROSS,
                      "other_positions": [CROSS | {"symbol": "Y", "side": "long",
                                                   "mark_price": 11}]},
     {"liquidation_price": 13.75247525, "TMM_other": 0.11, "UPNL_other": 1}, 1e-6),
    ("bybit", {"contract": "inverse", "side": "long", "quantity_usd": 60000,
               "entry_price": 50000, "leverage": 10, "mmr": 0.005, "mm_deduction": 0,
               "extra_margin": 0}, {"liquidation_price": 45662.10}, 0.01),
    ("bybit", {"contract": "inverse", "side": "long", "quantity_usd": 60000,
               "entry_price": 50000, "leverage": 10, "mmr": 0.005, "mm_deduction": 0,
               "extra_margin": 0, "as_of": "2026-05-27"}, {"liquidation_price": 45681.82}, 0.01),
    ("hyperliquid", {"coin": "ETH", "margin_mode": "isolated", "side": "short", "size": 2,
                     "raw_usd": 210, "max_leverage": 10}, {"liquidation_price": 100}, 0),
    ("hyperliquid", {"accounts": [
        {"id": "up", "mark": 110, "entry": 100, "notional": 200, "account_value": 100},
        {"id": "down", "mark": 80, "entry": 100, "notional": -200, "account_value": 100}]},
     {"docs_order": ["down", "up"], "osec_score": {"up": 0.2, "down": 0.4}}, 0),
    ("bitmex", {"contracts_usd": 15000, "side": "short", "entry_price": 750, "exit_price": 800,
                "funding_paid_xbt": -0.05}, {"pnl_xbt": -1.25, "total_xbt": -1.2}, 0),
    ("adl_theory", {"p0": 1, "positions": POSITIONS}, {"bankruptcy_price": [0, 1.666667]}, 1e-6),
    ("adl_theory", {"p0": 1, "positions": {}}, "error", 0),
    ("adl_theory", {"p0": 1, "positions": [5]}, "error", 0),
    ("adl_theory", {"p0": 1, "positions": [{"q": 1}]}, {"revert": True}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("system", "inputs", "expected", "tolerance"), PASSING)
def test_shapes_and_refusals(
    tmp_path: Path, system: str, inputs: dict[str, Any], expected: Any, tolerance: float
) -> None:
    entry = vector(system, inputs, expected, {"abs": tolerance})
    assert reasons(tmp_path, entry) == []


def test_a_refusal_that_does_not_come_is_a_failure(tmp_path: Path) -> None:
    (reason,) = reasons(tmp_path, MARK | {"expected": "revert"})
    assert reason == "expected a refusal, got {mark: 50010}"


@pytest.mark.parametrize("named", [True, False])
def test_a_vector_may_refer_to_another(tmp_path: Path, named: bool) -> None:
    prices = {"mark": [1, 1.4], "oracle": [1, 1.5], "positions": POSITIONS}
    kappa = 2 if named else 1
    ratio = 0.25  # of these positions; the rate is kappa * (0.25 - 1.4 / 1.5)
    funding = vector("adl_theory", prices | {"kappa": kappa, "L_over_S": ratio},
                     {"gamma": [kappa * -0.683333]}, {"abs": 2e-6}) | {"id": "rates"}  # fmt: skip
    profit = vector("adl_theory", prices | {"funding": "rates"},
                    {"pnl_0_1": [0.4 + 1.4 * kappa * -0.683333, -1.6 + 5.6 * kappa * 0.683333]},
                    {"abs": 1e-5})  # fmt: skip
    entries = [profit, funding] if named else [profit]
    assert reasons(tmp_path, *entries) == []


def _numbers(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbers(part, change) for part in value]
    return change(value)


@pytest.mark.parametrize("junk", [None, "x", "", -1, 0, 1e300, [], {}, [[]], [{}], True])
def test_no_junk_makes_a_traceback(tmp_path: Path, junk: Any) -> None:
    """Every input of every shape replaced by junk, alone and inside lists: a failure at most.

    With all inputs that may be left out, and with none of them.
    """
    entries = [
        vector(system, {name: junk if name == spoilt else _sound(name) for name in names}, {"k": 1})
        for system, shapes in SYSTEMS.items()
        for shape in shapes
        for names in (sorted(shape.required | shape.optional), sorted(shape.required))
        for spoilt in names
    ]
    entries += [entry | {"inputs": _numbers(entry["inputs"], lambda _: junk)} for entry in entries]
    found = outcome(tmp_path, *entries)
    assert (found.passed, found.failed) == (0, len(entries))


def _sound(name: str) -> Any:
    lists: dict[str, Any] = {
        "positions": POSITIONS, "mark": [1, 1.1], "oracle": [1, 1.2], "cases": [["buy", 1, 1]],
        "equities": [5, -2], "pnl": [3, -2], "cash": [2, 0], "caps": [1, 1], "lambda_": [1, 2],
        "weights": [1, 1], "queue_order": [1, 2], "equity": [1, -2], "q": [1, 2],
        "tiers": [[0, 10, 1], [10, 90, 2]], "position": CROSS, "other_positions": [CROSS],
        "accounts": [{"id": "a", "mark": 1, "entry": 1, "notional": 1, "account_value": 1}],
        "side": "long", "margin_mode": "isolated", "contract": "inverse", "symbol": "BTCUSDT",
        "as_of": "2024-10-24", "kind": "IM", "funding": "paper",
    }  # fmt: skip
    return lists.get(name, 1)
