"""The command line: each module adds its commands to the one app."""

from __future__ import annotations

from undertow.cli import claims, claims_reconcile, estimate, market
from undertow.cli.app import app, main

__all__ = ["app", "claims", "claims_reconcile", "estimate", "main", "market"]
