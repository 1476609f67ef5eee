"""Typed real-time applications: events as models, handlers as decorators."""

__version__ = "0.1.0"
