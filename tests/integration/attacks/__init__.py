"""What an attacker would try, against the running service and its readers of foreign bytes."""
