"""Parts of `verification.hyperliquid_adl`: what is read, recomputed, compared and drawn."""
