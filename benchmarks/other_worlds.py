"""What other people's market simulations do in a second, run by the Python that has them.

``python other_worlds.py NAME AGENTS`` builds a world of so many agents with the simulator's own
kinds and prints, as JSON, how many orders its market took, the seconds of processor time from
the first event to the last, and what was simulated. Imports nothing of ours, as that Python need
not have it. Orders are those that enter (limit and market), not cancellations or messages.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

SEED = 1
SECOND_NS = 10**9
PRICE = 100_000  # cents
SYMBOL = "ABM"  # its exchange knows no other when it closes
# ABIDES: who trades, as shares of all agents; two market makers come on top. Noise agents trade
# once in an hour, of which some minutes are run; each of the others about once a minute.
VALUE_SHARE, MOMENTUM_SHARE = 0.1, 0.01
MINUTE_NS = 60 * SECOND_NS
ABIDES_AGENT_MINUTES = 20_000
# PAMS: in each step so many agents, picked at random, send one order each.
PAMS_STEPS, PAMS_ORDERS = 5, 1000

Figures = dict[str, Any]


def abides_world(agents: int) -> Figures:
    """One market for some minutes: noise, value and momentum traders, and two market makers."""
    made, core = import_module("abides_markets.agents"), import_module("abides_core")
    dice = np.random.RandomState(SEED)
    opens_ns = 9 * 60 * MINUTE_NS
    minutes = max(1, ABIDES_AGENT_MINUTES // agents)
    closes_ns = opens_ns + minutes * MINUTE_NS
    fundamental = {
        "r_bar": PRICE, "kappa": 1e-15, "sigma_s": 0, "fund_vol": 5e-5,
        "megashock_lambda_a": 1e-18, "megashock_mean": 0, "megashock_var": 1,
        "random_state": np.random.RandomState(SEED),
    }  # fmt: skip
    oracle = import_module("abides_markets.oracles").SparseMeanRevertingOracle(
        opens_ns, closes_ns, {SYMBOL: fundamental}
    )
    values, trends = int(VALUE_SHARE * agents), int(MOMENTUM_SHARE * agents)
    everybody: list[Any] = [
        made.ExchangeAgent(
            id=0, mkt_open=opens_ns, mkt_close=closes_ns, symbols=[SYMBOL], book_logging=False,
            log_orders=False, random_state=np.random.RandomState(SEED),
        )
    ]  # fmt: skip

    def add(kind: Any, count: int, **settings: Any) -> None:
        for _ in range(count):
            number = len(everybody)
            own = np.random.RandomState(dice.randint(2**31))
            everybody.append(kind(id=number, name=str(number), symbol=SYMBOL, starting_cash=10**9,
                                  log_orders=False, random_state=own, **settings))  # fmt: skip

    for _ in range(agents - values - trends):
        wakes_ns = opens_ns + int(dice.randint(3600)) * SECOND_NS
        add(made.NoiseAgent, 1, wakeup_time=wakes_ns)
    add(made.ValueAgent, values, sigma_n=1000, r_bar=PRICE, kappa=1e-15, lambda_a=1 / MINUTE_NS)
    add(made.MomentumAgent, trends, wake_up_freq=MINUTE_NS, poisson_arrival=True)
    add(made.AdaptiveMarketMakerAgent, 2, wake_up_freq=MINUTE_NS)
    taken = counted_orders(import_module("abides_markets.order_book").OrderBook)
    kernel = core.Kernel(
        agents=everybody, start_time=opens_ns - SECOND_NS, stop_time=closes_ns + SECOND_NS,
        default_computation_delay=50, custom_properties={"oracle": oracle},
        random_state=np.random.RandomState(SEED), skip_log=True,
    )  # fmt: skip
    start_s = time.process_time()
    kernel.run()
    seconds = time.process_time() - start_s
    return {"orders": len(taken), "seconds": seconds, "what": f"{minutes} minutes"}


def counted_orders(book: Any) -> list[None]:
    """Have a class of books note every order that enters."""
    taken: list[None] = []
    for name in ("handle_limit_order", "handle_market_order"):
        original = getattr(book, name)

        def handle(*arguments: Any, _original: Any = original, **named: Any) -> Any:
            taken.append(None)
            return _original(*arguments, **named)

        setattr(book, name, handle)
    return taken


def pams_world(agents: int) -> Figures:
    """One market of fundamental-chartist-noise agents; in a step a thousand send an order."""
    orders, times_s = [0], []

    class Counter(import_module("pams.logs").Logger):  # type: ignore[misc] # known at run time
        """Counts orders as they enter, and notes when the simulation begins and ends."""

        def process_order_log(self, log: Any) -> None:
            orders[0] += 1

        def process_simulation_begin_log(self, log: Any) -> None:
            times_s.append(time.process_time())

        process_simulation_end_log = process_simulation_begin_log

    settings = {
        "simulation": {
            "markets": ["Market"], "agents": ["Agents"],
            "sessions": [{
                "sessionName": "all", "iterationSteps": PAMS_STEPS, "withOrderPlacement": True,
                "withOrderExecution": True, "withPrint": False, "maxNormalOrders": PAMS_ORDERS,
            }],
        },
        "Market": {"class": "Market", "tickSize": 0.01, "marketPrice": 300.0,
                   "fundamentalVolatility": 0.001},
        "Agents": {
            "class": "FCNAgent", "numAgents": agents, "markets": ["Market"], "assetVolume": 50,
            "cashAmount": 10_000, "fundamentalWeight": [0, 1], "chartWeight": 0.0,
            "noiseWeight": [0, 1], "noiseScale": 0.001, "timeWindowSize": [100, 200],
            "orderMargin": [0.0, 0.1],
        },
    }  # fmt: skip
    random = import_module("random")
    runner = import_module("pams.runners").SequentialRunner(
        settings, prng=random.Random(SEED), logger=Counter()
    )
    runner.main()
    seconds = times_s[1] - times_s[0]
    return {"orders": orders[0], "seconds": seconds, "what": f"{PAMS_STEPS} steps"}


WORLDS: dict[str, Callable[[int], Figures]] = {"ABIDES": abides_world, "PAMS": pams_world}


def main() -> None:
    """Command line: a name and a number of agents."""
    name, agents = sys.argv[1:]
    print(json.dumps(WORLDS[name](int(agents))))


if __name__ == "__main__":
    main()
