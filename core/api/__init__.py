"""The HTTP API beside the pages: recommendations and events, for clients that have a key."""

from core.api.server import lifespan, routes

__all__ = ["lifespan", "routes"]
