"""The native adaptor: WebSockets on picows, over asyncio's transports. The fast one.

picows parses and unmasks frames; what RFC 6455 asks for beyond that is done here. `server` listens
and sweeps deadlines, `front` speaks HTTP until a connection is a WebSocket, `link` is one WebSocket
from then on. Only `parser` and `link` know picows, and this package alone may import asyncio.
"""
