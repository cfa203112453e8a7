"""One process per gateway: from the device to the outbox, from the outbox to the broker."""
