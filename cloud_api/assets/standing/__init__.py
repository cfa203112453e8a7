"""How every asset stands: alarms, freshness and quality, rolled up from what is below it."""
