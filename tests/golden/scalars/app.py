"""Dates, decimals, identifiers: text on the wire, their own types in Python."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, HttpUrl, SecretStr

from bytesocket_app import ByteSocket, ClientEvent, ServerEvent


class Order(ClientEvent):
    id: UUID
    price: Decimal
    password: SecretStr
    amount: Annotated[int, Field(ge=1, le=99)] = 1
    when: datetime | None = None


class Ordered(ServerEvent):
    at: AwareDatetime
    day: date
    clock: time
    took: timedelta
    price: Decimal
    address: IPv4Address
    link: HttpUrl


app = ByteSocket(title="Scalars", events=[Order, Ordered])
