"""From sealed journal rows to messages that wait for delivery, in transactions; nothing is sent here."""
