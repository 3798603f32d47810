"""Any recommender on any split: tidy tables with intervals, and the report."""
