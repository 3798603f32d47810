"""The data path: rows in, integers out. Nothing here imports PyTorch."""
