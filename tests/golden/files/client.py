# bytesocket Files 0.1.0 - contract 5d83dfc581ea859b - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Files 0.1.0."""

import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


class Stored(_p.BaseModel):
    model_config = _p.ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    digest: bytes
    thumbnail: bytes | None


class Upload(_bs.ClientEvent, name="file:put"):
    model_config = _p.ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    content: bytes
    parts: dict[str, bytes] | _bs.Unset = _bs.UNSET


CONTRACT = _bs.ClientContract(
    title="Files",
    path="/ws",
    fingerprint="5d83dfc581ea859b6c1e25674689f488ad81e2f94396dd363601a22e1cdf33f8",
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

    async def emit(self, event: Upload, /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(self, event: Upload, /, *, timeout: float | None = None) -> Stored:
        """Send an event and wait for its reply; see `bytesocket_app.client`."""
        reply: Stored = await self._request(event, timeout)
        return reply
