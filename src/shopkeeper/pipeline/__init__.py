"""From a fitted recommender to what a shop serves: index, filters, bundle."""
