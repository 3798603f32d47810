"""The same SASRec in several libraries, each run by the Python of its own environment."""
