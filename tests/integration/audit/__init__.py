"""The audit: its chain, its exports, refusals, forwarding."""
