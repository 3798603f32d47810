"""The addresses of the HTTP API, one module a subject."""
