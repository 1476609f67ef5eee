"""Native adaptor: WebSockets on picows, over asyncio's transports.

picows parses and unmasks frames; this package does the rest of RFC 6455. `server` listens and
checks deadlines, `handshake` speaks HTTP until a connection is a WebSocket, and from then on
`reader` receives and `transport` sends. No other package may import asyncio.
"""
