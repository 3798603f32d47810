"""What the service must remember: events, deletions, what was recommended, traffic. SQLite or PostgreSQL."""
