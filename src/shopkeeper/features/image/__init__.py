"""Pictures become vectors: decoding that no file can break, and encoders."""
