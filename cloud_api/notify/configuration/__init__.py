"""Who is told what, where and when: channels, routes and their calendars."""
