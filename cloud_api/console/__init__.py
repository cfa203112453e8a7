"""The operators' console: pages on the API's own routes, in a process of its own."""
