"""Items that change while the service runs: new ones, removed ones, prices, stock; put over a bundle as a whole."""
