"""Who may ask what: API keys and their scopes, tokens of users, origins of pages, and what holds without keys."""
