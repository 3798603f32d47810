"""The sections of the page of behavior, one a file."""
