"""The report of a simulated crash."""

from undertow.report.crash.assemble import page

__all__ = ["page"]
