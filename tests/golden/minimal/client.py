# bytesocket Minimal 0.1.0 - contract f26057525310c388 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Minimal 0.1.0."""

import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs


class Ping(_bs.ClientEvent, name="ping"):
    """Are you there?"""


CONTRACT = _bs.ClientContract(
    title="Minimal",
    path="/ws",
    fingerprint="f26057525310c3882aae3ce7f44c648ed8da3c539ea9a7501c29c27ca38aa9ce",
    codec="json",
)


class MinimalClient(_bs.Client):
    """A client of Minimal 0.1.0."""

    contract = CONTRACT

    def __init__(
        self,
        url: str,
        *,
        codec: _t.Literal["json", "binary"] | None = None,
        headers: _bs.Headers | None = None,
        ssl_context: _ssl.SSLContext | None = None,
        settings: _bs.ClientSettings | None = None,
    ) -> None:
        super().__init__(
            url,
            codec=codec,
            headers=headers,
            ssl_context=ssl_context,
            settings=settings,
        )

    async def emit(self, event: Ping, /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)
