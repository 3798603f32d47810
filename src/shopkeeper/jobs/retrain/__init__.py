"""From the events of the store to a new bundle that replaces the old one only where it is no worse."""
