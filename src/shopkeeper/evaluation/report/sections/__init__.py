"""The sections of the page, one a file: each a function from inputs and settings to a `Section`."""
