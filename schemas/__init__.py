"""What crosses the wire: samples, statuses, batches, acknowledgements, agent messages and their topics."""
