"""Asset templates: the tags that an asset should have, and the report of what is missing or extra."""
