"""The laboratory: scenarios, the loop that runs them, and what came of it beside what happened."""
