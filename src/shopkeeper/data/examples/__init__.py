"""What predictors learn from: shopper, item and moment, and what came of them."""
