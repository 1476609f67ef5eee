"""Text that tries to get out of where it is written."""

from pydantic import Field

from bytesocket_app import ByteSocket, Event, Refusal, Socket

EVIL = '*/ } \n@ts-expect-error \u2028 `${x}` """ \\ // @ts-ignore \u202e'


class Evil(Event, name='__proto__ */ "quoted" \n'):
    __doc__ = EVIL

    plain: str = Field("*/", description=EVIL)
    proto: int = Field(1, alias="__proto__")
    quoted: int = Field(2, alias='quo"te\n')


class No(Refusal):
    __doc__ = EVIL
    __refusal_code__ = "*/ no"  # `code=` refuses it now, and old contracts may hold it


app = ByteSocket(title="Hostile */ \u2028", events=[Evil])


@app.on(Evil, raises=(No,))
async def evil(socket: Socket, event: Evil) -> str:
    return EVIL
