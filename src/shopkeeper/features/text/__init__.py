"""Texts become vectors: which columns form a text, encoders that ship with packages, models by name, endpoints."""
