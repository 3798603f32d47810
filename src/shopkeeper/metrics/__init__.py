"""Pure functions over arrays: ranking of targets, and the properties of lists."""
