"""What will this shopper do with this item? One predictor a file; calibrated probabilities."""
