"""The inbox of rejects: grouped, mapped, replayed many at once, and by rules that were remembered."""
