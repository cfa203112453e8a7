"""The page of a share, for people: what it is, and what can be downloaded."""
