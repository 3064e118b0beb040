"""The market pulse: every figure measured, dated and defined; terminal, JSON and HTML."""

from undertow.report.pulse.assemble import Pulse, pulse

__all__ = ["Pulse", "pulse"]
