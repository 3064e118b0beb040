"""Articles with every figure judged: annotated text, timelines, league table of sources, sums."""

from undertow.report.claims.assemble import check_page, reconciliation_page
from undertow.report.claims.page import ClaimsPage, write_claims_page

__all__ = ["ClaimsPage", "check_page", "reconciliation_page", "write_claims_page"]
