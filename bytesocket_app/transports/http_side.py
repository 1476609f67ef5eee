"""The HTTP side at work: any ASGI application, a bare `StaticFiles` among them.

Such an application raises its 404 for a framework around it to catch; here that is us.
"""

import logging

from bytesocket_app.transports.asgi import ASGIApp, Message, Receive, Scope, Send, reject
from bytesocket_app.transports.interface import Rejection

logger = logging.getLogger("bytesocket")


async def serve_http_side(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one scope, and answer for an exception that carries a status or means "no sockets".

    Source: Starlette's HTTPException (`status_code`, `detail`), known by its shape.
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
    """Answer an HTTP request with a line of text."""
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 426:  # noqa: PLR2004 - Upgrade Required: RFC 9110 section 15.5.22
        headers.append((b"upgrade", b"websocket"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
