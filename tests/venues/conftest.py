"""What several tests of venues need."""

from __future__ import annotations

import pytest

from undertow.venues import methods


@pytest.fixture
def own_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    for subject in methods.HOMES:
        methods.known(subject)
    copied = {subject: dict(named) for subject, named in methods._registered.items()}
    monkeypatch.setattr(methods, "_registered", copied)
