"""What leaves this service for an address that somebody typed: checked, signed, without redirects."""
