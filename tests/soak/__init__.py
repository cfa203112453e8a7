"""What is played for long, and what is not yet steady enough for every run."""
