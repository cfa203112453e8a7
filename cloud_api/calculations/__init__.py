"""Series that are calculated from others: defined by an expression, on the fly or materialised."""
