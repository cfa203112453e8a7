"""Series, latest values, history and buckets over HTTP."""
