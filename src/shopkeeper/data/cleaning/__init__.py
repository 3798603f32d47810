"""Cleaning: one file a step; each step says of every event why it goes, and never removes anything itself."""
