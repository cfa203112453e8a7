"""What an alarm goes through: its states, its row and journal, the verbs of people, and shelves that end."""
