"""Pure functions over arrays: ranking, classification, catalog."""
