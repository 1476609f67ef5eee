"""Payloads that are no objects, and names that are no words."""

from bytesocket_app import ByteSocket, Socket

app = ByteSocket(title="Roots")
app.declare(7, int)
app.declare("none", None)
app.declare("list of all", list[dict[str, int | None]], direction="server")
either = app.declare("either", int | str, direction="client", reply=bool)


@app.on(either)
async def answer(socket: Socket) -> bool:
    return True


@app.on("plain")
async def plain(data: tuple[int, str]) -> str:
    return data[1]
