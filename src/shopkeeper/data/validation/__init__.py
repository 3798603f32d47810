"""Validation: what is wrong with a log, how much of it, and what it is good for. Changes nothing."""
