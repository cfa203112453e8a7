"""The proof of delivery: what became of every batch that an agent numbered."""
