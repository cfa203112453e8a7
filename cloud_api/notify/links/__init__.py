"""Links in messages that acknowledge alarms: single-use, expiring, confirmed on a page of their own."""
