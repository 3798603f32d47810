"""What was known of a shopper, an item and a pair at a moment, and nothing later."""
