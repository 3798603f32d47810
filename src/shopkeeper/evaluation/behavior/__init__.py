"""How good predictors of behavior are: figures of weighted examples with intervals over shoppers, side by side."""
