"""Shares between companies: what an outside party may read, by a key or a link of its own, and who has read it."""
