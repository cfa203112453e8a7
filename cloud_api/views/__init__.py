"""What people have chosen for themselves in the console: kept by name."""
