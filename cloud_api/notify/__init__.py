"""Telling people about alarms: routes and channels, a transactional outbox, delivery, links that acknowledge."""
