"""One page about predictors of behavior: who knows best, how true the chances are, and why they are what they are."""
