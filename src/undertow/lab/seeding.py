"""Random numbers by name, so that a new agent leaves everybody else's dice alone."""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def dice(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one name in one run.

    Parameters
    ----------
    seed
        The run's seed, 0 or more.
    name
        Whose dice they are: ``agent:crowd``. Streams of two names do not depend on each other, nor
        on the order in which they are made.

    Returns
    -------
    numpy.random.Generator
        PCG64 from ``SeedSequence(seed, spawn_key=the eight 32-bit words of sha256(name))``.
    """
    digest = sha256(name.encode()).digest()
    words = tuple(int.from_bytes(digest[at : at + 4], "little") for at in range(0, 32, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=words)))
