"""Serving of HTTP requests by any ASGI application, for example a bare `StaticFiles`.

Such an application raises its 404 as an exception and expects the code around it to answer.
"""

import logging

from bytesocket_app.transports.asgi import ASGIApp, Message, Receive, Scope, Send, reject
from bytesocket_app.transports.interface import Rejection

logger = logging.getLogger("bytesocket")


async def serve_http_side(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one scope, and answer for exceptions that carry a status or refuse WebSockets.

    Source: Starlette's HTTPException (`status_code`, `detail`), recognised by its attributes.
    """
    answered = False

    async def watched(message: Message) -> None:
        nonlocal answered
        answered = True
        await send(message)

    try:
        await app(scope, receive, watched)
    except Exception as exc:
        status, detail = getattr(exc, "status_code", None), getattr(exc, "detail", "")
        is_socket = scope["type"] == "websocket"
        if is_socket and isinstance(exc, AssertionError | NotImplementedError):
            logger.warning("no socket at %r: the HTTP side takes none", scope["path"][:256])
            status, detail = 404, "No socket here."
        if answered or not isinstance(status, int):
            raise
        if is_socket:
            await reject(Rejection(status, str(detail)), scope, send)
        else:
            await answer(send, status, f"{detail}\n")


async def answer(send: Send, status: int, text: str) -> None:
    """Answer an HTTP request with one line of text."""
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 426:  # noqa: PLR2004 - Upgrade Required: RFC 9110 section 15.5.22
        headers.append((b"upgrade", b"websocket"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
