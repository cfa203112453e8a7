"""Small expressions over series, read by a grammar, evaluated on columns and on single samples with their statuses."""
