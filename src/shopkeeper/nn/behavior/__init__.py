"""Networks that say what a shopper will do with an item: examples in, one logit a behavior out."""
