"""Whole jobs: what one command does, as a function that returns what it made. Nothing here prints."""
