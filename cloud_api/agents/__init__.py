"""The fleet of edge agents over HTTP."""
