"""Starlette's own test client, which says that it would rather have another HTTP library."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient as StarletteClient
    from starlette.testclient import WebSocketDenialResponse

__all__ = ["StarletteClient", "WebSocketDenialResponse"]
