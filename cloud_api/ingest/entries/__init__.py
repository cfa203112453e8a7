"""Values that people enter: series made for it, and the way of an entry through ingest."""
