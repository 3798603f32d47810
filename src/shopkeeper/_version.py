"""The version of the package, read by the build and stamped on every artifact."""

__version__ = "0.1.0"
