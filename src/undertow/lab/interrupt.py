"""Ctrl-C while a run is under way: the step is finished first, so that the run can go on later."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with what is kept as its text."""


@contextmanager
def stopped_later() -> Iterator[Callable[[], bool]]:
    """Keep the first Ctrl-C as a wish that can be asked for; the second one acts at once.

    Outside the main thread, where nobody can listen for it, Ctrl-C is as always.
    """
    wishes: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if wishes:
            raise KeyboardInterrupt
        wishes.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(wishes)
    finally:
        signal.signal(signal.SIGINT, before)
