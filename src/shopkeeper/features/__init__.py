"""What an item is: text, images, attributes and semantic ids as vectors aligned to the item vocabulary."""
