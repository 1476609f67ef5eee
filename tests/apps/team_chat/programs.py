"""What people of the team chat run: a Python program and browser tabs, on generated clients.

They are texts because the clients they import are generated when the tests run; the tests give
them to the type checkers before they run them.
"""

from typing import Final

DESK: Final = '''
"""A Python program of somebody who has a bearer token."""

import anyio
from bytesocket_app.client import AuthError, ClientSettings, RequestError
from team_chat_client import (
    Announced,
    Post,
    Posted,
    Present,
    Reaction,
    Removed,
    TeamChatClient,
    Typing,
    Whisper,
    Whispered,
)

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.1)


def client(url: str, token: str) -> TeamChatClient:
    return TeamChatClient(url, headers={"Authorization": f"Bearer {token}"}, settings=FAST)


async def answer(url: str, token: str, channel_id: int, ready: anyio.Event) -> list[object]:
    """Answer the first message in a channel, then whisper to its author."""
    async with client(url, token) as chat:
        async with chat.join("channel:{channel_id}", channel_id=channel_id) as room:
            async with room.events(Posted) as posts:
                ready.set()
                posted = await anext(posts)
            await room.emit(Typing())
            await room.emit(Reaction(message_id=posted.id, emoji="+1"))
            receipt = await room.request(Post(text=f"{posted.author} said {posted.text}"))
            whispered = await chat.request(Whisper(to=posted.author, text="psst"))
    return [posted.author, posted.text, receipt.message_id, whispered.author]


async def watch(
    url: str, token: str, channel_id: int, ready: anyio.Event, seen: list[list[str]]
) -> None:
    """Write down who is in a channel, whenever that changes."""
    async with client(url, token) as chat:
        room = chat.join("channel:{channel_id}", channel_id=channel_id)
        async with room.events(Present) as changes:
            await room.ready
            ready.set()
            async for present in changes:
                seen.append(present.names)


async def join_code(chat: TeamChatClient, channel_id: int) -> str:
    """Ask to be let in; the code of the refusal."""
    room = chat.join("channel:{channel_id}", channel_id=channel_id)
    try:
        await room.ready
    except RequestError as refused:
        return refused.code
    finally:
        await room.leave()
    return "joined"


async def refusals(url: str, token: str, mine: int, foreign: int, archived: int) -> list[str]:
    """Try what cannot be done."""
    async with client(url, token) as chat:
        codes = [await join_code(chat, each) for each in (mine, foreign, archived, 4711)]
        room = chat.join("channel:{channel_id}", channel_id=mine)
        for post in (Post(text="unheard"), Post(text="")):
            try:
                await room.request(post)
            except RequestError as refused:
                codes.append(refused.code)
        try:
            await chat.request(Whisper(to="nobody", text="psst"))
        except RequestError as refused:
            codes += [refused.code, refused.message]
    return codes


async def listen(url: str, token: str, ready: anyio.Event, heard: list[str]) -> str:
    """Hear whispers and news on one device, until nobody lets it in again."""
    async with client(url, token) as chat:

        @chat.on(Whispered)
        async def whispered(event: Whispered) -> None:
            heard.append(f"{event.author} whispers {event.text}")

        @chat.on(Announced)
        def announced(event: Announced) -> None:
            heard.append(event.text)

        await chat.ready
        ready.set()
        async for _ in chat.events(Removed):
            heard.append("removed")
    try:
        await chat.ready
    except AuthError as refused:
        return refused.message
    return "still in"


async def whisper(url: str, token: str, to: str, text: str) -> None:
    """Tell somebody something."""
    async with client(url, token) as chat:
        await chat.request(Whisper(to=to, text=text))


async def removed(url: str, token: str, channel_id: int, ready: anyio.Event) -> list[object]:
    """Stay in a channel until somebody takes this person out of it."""
    async with client(url, token) as chat, chat.events(Removed) as removals:
        async with chat.join("channel:{channel_id}", channel_id=channel_id):
            ready.set()
            gone = await anext(removals)
        return [gone.channel_id, await join_code(chat, channel_id)]
'''

TAB: Final = """
// A tab in a browser of somebody who has logged in: the cookie goes along by itself.
import { connect, type Client, type ErrorCode, RequestError } from "./client.ts";

declare const process: { readonly argv: readonly string[] };
const [, , url, session = "", ...numbers] = process.argv;

/** Node's WebSocket has no cookies; it takes headers instead. */
class CookieSocket extends WebSocket {
  constructor(address: string, protocols: string[]) {
    const options = { protocols, headers: { Cookie: `session=${session}` } };
    super(address, options as unknown as string[]);
  }
}

export const mine: number = Number(numbers[0]);
export const foreign: number = Number(numbers[1]);
export const archived: number = Number(numbers[2]);
export const tell = (...values: unknown[]): void => console.log(JSON.stringify(values));
export const open = (): Client =>
  connect(url, { WebSocket: CookieSocket, reconnect: { min: 20, max: 100 } });

/** The code that something is refused with. */
export async function code(attempt: Promise<unknown>): Promise<ErrorCode | "none"> {
  try {
    await attempt;
    return "none";
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (error.code === "muted") tell("muted", error.data.toUpperCase());
    return error.code;
  }
}
"""

TALK: Final = """
import { mine, open, tell } from "./tab.ts";

const chat = open();
chat.onState((state) => tell("state", state));
const room = chat.join("channel:{channel_id}", { channel_id: mine });
room.on("channel:present", ({ names }) => tell("present", names));
room.on("channel:typist", ({ name }) => tell("typist", name));
room.on("channel:reaction", ({ message_id, emoji }) => tell("reaction", message_id, emoji));
await room.ready;
const posts = room.events("channel:posted");
const whispers = chat.events("whispered");
const { message_id } = await room.request("channel:post", { text: "hello" });
tell("receipt", message_id);
for await (const posted of posts) {
  tell("posted", posted.author, posted.text);
  break;
}
for await (const whispered of whispers) {
  tell("whispered", whispered.author, whispered.text);
  break;
}
chat.close();
"""

REFUSED: Final = """
import { archived, code, foreign, mine, open, tell } from "./tab.ts";

const chat = open();
for (const channel_id of [mine, foreign, archived, 4711]) {
  const room = chat.join("channel:{channel_id}", { channel_id });
  tell("join", await code(room.ready));
  room.leave();
}
const room = chat.join("channel:{channel_id}", { channel_id: mine });
tell("post", await code(room.request("channel:post", { text: "unheard" })));
tell("empty", await code(room.request("channel:post", { text: "" })));
tell("whisper", await code(chat.request("whisper", { to: "nobody", text: "psst" })));
chat.close();
"""

AGAIN: Final = """
import { code, mine, open, tell } from "./tab.ts";

const chat = open();
const room = chat.join("channel:{channel_id}", { channel_id: mine });
await room.ready;
for (const time of [1, 2]) {
  const lost = new Promise<void>((resolve) => {
    const off = chat.onState((state) => {
      if (state !== "waiting") return;
      off();
      resolve();
    });
  });
  tell("in", time);
  await lost;
  await chat.ready;
  tell("again", await code(room.ready));
}
chat.close();
"""

INBOX: Final = """
import { open, tell } from "./tab.ts";

const chat = open();
chat.on("whispered", ({ author, text }) => tell("whispered", author, text));
const news = chat.events("announced");
await chat.ready;
tell("ready");
for await (const { text } of news) {
  tell("announced", text);
  break;
}
chat.close();
"""

SHUT: Final = """
import { open, tell } from "./tab.ts";

const chat = open();
chat.onError(({ phase, code }) => {
  tell(phase, code, chat.state);
  chat.close();
});
"""
