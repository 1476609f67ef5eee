// What users of the chat contract write, and what must not compile.
import { connect, RequestError } from "./chat.ts";
import type { ClientEvents, Posted, Replies, Rooms, ServerEvents } from "./chat.ts";

const chat = connect("ws://127.0.0.1/ws", { auth: () => ({ token: "t" }) });
connect({ auth: { token: "t" }, codec: "msgpack", WebSocket });
connect(new URL("ws://127.0.0.1"), { auth: async () => ({ token: "t" }) });
// @ts-expect-error auth is required
connect();
// @ts-expect-error auth is required
connect("ws://127.0.0.1", {});
// @ts-expect-error credentials are typed
connect({ auth: "token" });

const sent: "sent" | "queued" | "dropped" = chat.emit("chat:post", { text: "hi" });
chat.emit("ping");
chat.emit("shout", "text");
// @ts-expect-error no such event
chat.emit("chat:pots", { text: "hi" });
// @ts-expect-error a misspelt key
chat.emit("chat:post", { txt: "hi" });
// @ts-expect-error an extra key
chat.emit("chat:post", { text: "hi", extra: 1 });
// @ts-expect-error a wrong type
chat.emit("chat:post", { text: 1 });
// @ts-expect-error a missing payload
chat.emit("chat:post");
// @ts-expect-error a payload for an empty event
chat.emit("ping", { a: 1 });
// @ts-expect-error the server sends it
chat.emit("chat:posted", { author: "a", text: "b" });
// @ts-expect-error only in a room
chat.emit("chat:reaction", { emoji: "+1" });

const receipt: { message_id: number } = await chat.request("chat:post", { text: "hi" });
const pong: string = await chat.request("ping", { timeoutMs: 5, signal: new AbortController().signal });
await chat.request("ping");
const nothing: void = await chat.request("shout", "text");
// @ts-expect-error only in a room
await chat.request("chat:reaction", { emoji: "+1" });
// @ts-expect-error the server sends it
await chat.request("chat:posted", { author: "a", text: "b" });
// @ts-expect-error there is nothing in nothing
(await chat.request("shout", "text")).id;
// @ts-expect-error a misspelt option
await chat.request("ping", { timeout: 5 });
// @ts-expect-error a reply has no such field
receipt.id;

const off: () => void = chat.on("chat:posted", (posted, { room }) => [posted.author, room?.length]);
chat.once("chat:typing", async ({ who }) => who.length);
chat.off("chat:posted");
const listener = (posted: Posted): void => console.log(posted.text);
chat.on("chat:posted", listener);
chat.off("chat:posted", listener);
// @ts-expect-error clients send it
chat.on("chat:post", () => {});
// @ts-expect-error no such field
chat.on("chat:posted", ({ autor }) => autor);

const lobby = chat.join("lobby");
const doc = chat.join("doc:{doc_id}", { doc_id: "d" });
const ready: Promise<void> = lobby.ready;
lobby.emit("chat:reaction", { emoji: "heart" });
lobby.on("chat:posted", ({ text }) => text);
doc.emit("doc:move", { x: 1, y: 2 });
const saved: { message_id: number } = await doc.request("doc:save", { timeoutMs: 5 });
doc.leave();
// @ts-expect-error not an emoji of ours
lobby.emit("chat:reaction", { emoji: "?" });
// @ts-expect-error not in this room
lobby.emit("doc:move", { x: 1, y: 2 });
const taken: void = await lobby.request("chat:reaction", { emoji: "heart" });
// @ts-expect-error not in this room
lobby.request("doc:save");
// @ts-expect-error parameters are required
chat.join("doc:{doc_id}");
// @ts-expect-error parameters are typed
chat.join("doc:{doc_id}", { doc_id: 7 });
// @ts-expect-error there are none
chat.join("lobby", { doc_id: "d" });
// @ts-expect-error the server joins it
chat.join("user-feed");
// @ts-expect-error no such room
chat.join("looby");

const docs = ["a", "b"].map((doc_id) => chat.join("doc:{doc_id}", { doc_id }));
const fate: "sent" | "queued" | "dropped" = chat.emitRooms(docs, "doc:move", { x: 1, y: 2 });
chat.emitRooms(docs, "doc:save");
chat.emitRooms([lobby], "chat:reaction", { emoji: "heart" });
// @ts-expect-error not in these rooms
chat.emitRooms(docs, "chat:reaction", { emoji: "heart" });
// @ts-expect-error no payload is given
chat.emitRooms(docs, "doc:move");
const silent: () => void = lobby.onLeft(({ code, message }) => `${code}: ${message}`);
silent();
const ended = chat.ended;
if (ended?.code === "muted") console.log(ended.data.until.length, fate);
if (ended?.code === "disconnected") console.log(ended.closeCode === 4400, ended.closeReason);

for await (const posted of chat.events("chat:posted", { signal: AbortSignal.timeout(5) })) {
  const text: string = posted.text;
  console.log(text);
}
chat.onState((state, ending) => [state, ending?.code === 4400, ending?.reason.length]);
chat.onState((state) => {
  if (state === "closed") return;
  // @ts-expect-error no such state
  if (state === "opened") return;
});
chat.onError(({ phase, message, details }) => [phase, message, details[0]?.loc]);
chat.onDropped(({ reason, event }) => [reason === "full", event]);

try {
  await chat.ready;
} catch (error) {
  if (error instanceof RequestError) {
    if (error.code === "muted") console.log(error.data.until.length);
    if (error.code === "validation") console.log(error.details[0]?.msg);
    // @ts-expect-error no such code
    if (error.code === "mutet") console.log();
    // @ts-expect-error the data of other codes is not known
    if (error.code === "timeout") console.log(error.data.until);
  }
}

const { on, once, off: silence, events, emit, request, join, onState, onError, onDropped, close } = chat;
const { on: hear, request: ask, leave } = join("lobby");
on("chat:posted", ({ text }) => text);
const answer: { message_id: number } = await request("chat:post", { text: "hi" });
const iterator: AsyncIterableIterator<Posted> = events("chat:posted");
console.log(once, silence, emit, onState, onError, onDropped, close, hear, ask, leave, answer, iterator);
const forward = <E extends keyof ServerEvents>(name: E): (() => void) => on(name, console.log);
console.log(forward("chat:typing"));

const event: ClientEvents["chat:post"] = { text: "x" };
const arrived: ServerEvents["chat:posted"] = { author: "a", text: "b" };
const reply: Replies["chat:post"] = { message_id: 1 };
const params: Rooms["doc:{doc_id}"]["params"] = { doc_id: "d" };
console.log(nothing, taken, sent, pong, off, ready, saved, event, arrived, reply, params);
await chat[Symbol.asyncDispose]();
