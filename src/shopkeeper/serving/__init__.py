"""The service that a shop runs: event store, live histories, HTTP API, storefront, dashboard."""
