"""Which of very many positions end now: only those that might are looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from undertow.agents.observation import Floats

Ints = NDArray[np.int64]


class Ending:
    """Positions that end at random, each with its own mean life.

    They lie in classes whose lives differ by a factor of two at most. Of each class the number
    that would end if all lived as short as its shortest is drawn, so many are picked, and each of
    these stays with the chance that it has for living longer. That is the same as one throw for
    each position (thinning: Lewis and Shedler, Naval Research Logistics Quarterly 26, 1979), at
    the cost of about twice those that end.

    Parameters
    ----------
    life_s
        Mean life of each position, seconds, above 0.
    place
        A number of each, from 0: time may pass faster at one place than at another.
    """

    def __init__(self, life_s: Floats, place: Ints) -> None:
        self._life_s, self._place = life_s, place
        exponent = np.floor(np.log2(life_s)).astype(np.int64)
        order = np.argsort(exponent, kind="stable")
        starts = np.flatnonzero(np.diff(exponent[order])) + 1
        self._classes = [
            (2.0 ** int(exponent[members[0]]), members)
            for members in np.split(order, starts) if len(members)
        ]  # fmt: skip

    def draw(self, dice: np.random.Generator, passed_s: Floats) -> Ints:
        """Numbers of those that end while so much time passes, by place; ascending."""
        fastest_s = float(passed_s.max(initial=0.0))
        found = []
        for shortest_s, members in self._classes:
            most = -np.expm1(-fastest_s / shortest_s)
            count = int(dice.binomial(len(members), most))
            picked = members[dice.choice(len(members), count, replace=False, shuffle=False)]
            share = -np.expm1(-passed_s[self._place[picked]] / self._life_s[picked])
            found.append(picked[dice.random(count) * most < share])
        return np.sort(np.concatenate(found)) if found else np.zeros(0, np.int64)
