# bytesocket Minimal 0.1.0 - contract 7540c909e55d22c0 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Minimal 0.1.0."""

import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


_Reply_co = _t.TypeVar("_Reply_co", covariant=True)


class _Sendable(_t.Generic[_Reply_co]):
    """Mark of events that a client may send outside rooms, and of their reply there."""


class Ping(_bs.Model, _bs.ClientEvent, _Sendable[None], name="ping"):
    """Are you there?"""

    model_config = _p.ConfigDict(extra="forbid")


CONTRACT = _bs.ClientContract(
    title="Minimal",
    path="/ws",
    fingerprint="7540c909e55d22c060c7a696e65d4f496dec58d43c59e065386a34c78f6e2a71",
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

    async def emit(self, event: _Sendable[object], /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(
        self, event: _Sendable[_Reply_co], /, *, timeout: float | None = None
    ) -> _Reply_co:
        """Send an event and wait for its reply; see `bytesocket_app.client`.

        An event without a reply is answered with None.
        """
        reply: _Reply_co = await self._request(event, timeout)
        return reply
