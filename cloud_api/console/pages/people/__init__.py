"""Who may do what: users, keys and what they have done."""
