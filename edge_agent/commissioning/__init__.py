"""Putting a gateway into service: find devices, see what they say, write the tag list, try one value."""
