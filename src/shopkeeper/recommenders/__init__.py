"""Which items? One recommender a file: its settings, its class, and nothing else to edit to add one."""
