# bytesocket Files 0.1.0 - contract 7bbb797789295174 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Files 0.1.0."""

import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


_Reply_co = _t.TypeVar("_Reply_co", covariant=True)


class _Sendable(_t.Generic[_Reply_co]):
    """Mark of events that a client may send outside rooms, and of their reply there."""


class Stored(_bs.Model):
    digest: _bs.Base64Bytes
    thumbnail: _bs.Base64Bytes | None


class Upload(_bs.Model, _bs.ClientEvent, _Sendable[Stored], name="file:put"):
    model_config = _p.ConfigDict(extra="forbid")

    name: str
    content: _bs.Base64Bytes
    parts: dict[str, _bs.Base64Bytes] | _bs.Unset = _bs.UNSET


CONTRACT = _bs.ClientContract(
    title="Files",
    path="/ws",
    fingerprint="7bbb7977892951744ae3c891ac11b3a83c63c6c44e672523358badb6e797d827",
    codec="binary",
)


class FilesClient(_bs.Client):
    """A client of Files 0.1.0."""

    contract = CONTRACT
    _replies: _t.ClassVar[_bs.Replies] = {
        "file:put": _bs.PayloadType(Stored),
    }

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
