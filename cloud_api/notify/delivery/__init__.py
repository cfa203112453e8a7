"""Messages to people: by mail, chat services, SMS gateways and signed webhooks."""
