"""The methods that rules name: a mark, an index, a funding rate, a ranking, each one function.

``mark.model = "median_of_three"`` in a rules file names what is registered here as the "mark"
method ``median_of_three``. A new method is a function with ``@methods.register("mark", "mine")``
above it; it must be registered before a rules file that names it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from undertow.errors import UndertowError, nearest

Method = Callable[..., Any]
_Registered = TypeVar("_Registered", bound=Method)

# Where each subject's own methods are; imported on the first question, because those modules
# import this one to register themselves.
HOMES = {
    "mark": "undertow.venues.prices.mark_methods",
    "index": "undertow.venues.prices.index_methods",
    "funding": "undertow.venues.prices.funding_methods",
    "adl": "undertow.venues.deleveraging",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_registered: dict[str, dict[str, Method]] = {subject: {} for subject in HOMES}


def register(subject: str, name: str) -> Callable[[_Registered], _Registered]:
    """Make the function or class below this line the subject's method of that name.

    Parameters
    ----------
    subject
        ``mark``, ``index``, ``funding`` or ``adl``.
    name
        As rules files write it: small letters, digits and underscores.

    Raises
    ------
    UndertowError
        For an unknown subject, a name that no rules file can hold, or one that is taken.
    """
    methods = _of(subject)
    if not _NAME.fullmatch(name):
        raise UndertowError(f"{subject} method '{name}': expected small letters, digits and _")
    if name in methods:
        raise UndertowError(f"{subject} method '{name}' is registered already")

    def keep(method: _Registered) -> _Registered:
        methods[name] = method
        return method

    return keep


def find(subject: str, name: str) -> Method:
    """The method that rules call by this name.

    Raises
    ------
    UndertowError
        When there is none; the message names the nearest and all that there are.
    """
    if name not in known(subject):
        raise UndertowError(f"no {subject} method '{name}'{nearest(name, known(subject))}")
    return _of(subject)[name]


def known(subject: str) -> tuple[str, ...]:
    """Names of a subject's methods, sorted: our own and those that a user registered."""
    methods = _of(subject)
    import_module(HOMES[subject])
    return tuple(sorted(methods))


def _of(subject: str) -> dict[str, Method]:
    if subject not in _registered:
        raise UndertowError(f"no methods of '{subject}'{nearest(subject, _registered)}")
    return _registered[subject]
