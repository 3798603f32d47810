"""One training loop for every network: optimizers, schedules, checkpoints, early stopping, logs."""
