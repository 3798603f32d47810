"""What a text or a picture says of an item, as typed attributes: by rules or by a language model, always checked."""
