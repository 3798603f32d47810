"""What an item is: text, attributes and history of the goods as vectors, kept in a store that makes nothing twice."""
