// What users of @bytesocket/client write with the generated map, and what must not compile.
import { ByteSocket } from "@bytesocket/client";
import type { Credentials, Posted, SocketEvents } from "./chat.ts";

const data: Credentials = { token: "t" };
const socket = new ByteSocket<SocketEvents>("ws://127.0.0.1/ws", { auth: { data } });

socket.emit("chat:post", { text: "hi" });
socket.emit("ping", {});
socket.emit("shout", "text");
// @ts-expect-error no such event
socket.emit("chat:pots", { text: "hi" });
// @ts-expect-error a misspelt key
socket.emit("chat:post", { txt: "hi" });
// @ts-expect-error a payload for an empty event
socket.emit("ping", { a: 1 });
// @ts-expect-error the server sends it
socket.emit("chat:posted", { author: "a", text: "b" });
// @ts-expect-error only in a room
socket.emit("doc:move", { x: 1, y: 2 });

socket.on("chat:posted", (posted: Posted) => posted.author);
socket.on("doc:moved", ({ user, x }) => [user.length, x.toFixed()]);
// @ts-expect-error clients send it
socket.on("chat:post", () => {});
// @ts-expect-error no such field
socket.on("chat:posted", ({ autor }) => autor);

socket.rooms.join("lobby");
socket.rooms.emit("lobby", "chat:reaction", { emoji: "heart" });
socket.rooms.emit("doc:7", "doc:move", { x: 1, y: 2 });
socket.rooms.emit(`doc:${"id" as string}`, "doc:save", {});
// @ts-expect-error not an emoji of the contract
socket.rooms.emit("lobby", "chat:reaction", { emoji: "smile" });
// @ts-expect-error not in this room
socket.rooms.emit("lobby", "doc:move", { x: 1, y: 2 });
// @ts-expect-error no such room
socket.rooms.emit("loby", "chat:reaction", { emoji: "heart" });
// @ts-expect-error nothing may be sent there
socket.rooms.emit("user-feed", "chat:reaction", { emoji: "heart" });

socket.rooms.on("user-feed", "chat:posted", ({ text }) => text.length);
socket.rooms.on("doc:7", "doc:moved", ({ x, y }) => x + y);
// @ts-expect-error no such room
socket.rooms.on("docs", "doc:moved", () => {});

const { bulk } = socket.rooms;
bulk.emit(["doc:1", "doc:2"], "doc:move", { x: 1, y: 2 });
bulk.emit(["doc:1"], "doc:save", {});
bulk.emit([`doc:${"id" as string}`, "doc:2"], "doc:save", {});
bulk.emit(["lobby"], "chat:reaction", { emoji: "heart" });
bulk.emit(["lobby", "doc:1"], "shout", "to both");
bulk.emit(["doc:1", "lobby", "doc:2"], "shout", "to all");
const docs: `doc:${string}`[] = [];
bulk.emit(docs, "doc:move", { x: 1, y: 2 });
// @ts-expect-error no such rooms, no such event
bulk.emit(["lobby", "nowhere"], "nope", 5);
// @ts-expect-error no such room beside one
bulk.emit(["lobby", "nowhere"], "shout", "text");
// @ts-expect-error no such event
bulk.emit(["lobby"], "nope", 5);
// @ts-expect-error not in this room
bulk.emit(["lobby"], "doc:move", { x: 1, y: 2 });
// @ts-expect-error not in both rooms
bulk.emit(["lobby", "doc:1"], "doc:move", { x: 1, y: 2 });
// @ts-expect-error nothing may be sent there
bulk.emit(["user-feed"], "shout", "text");
// @ts-expect-error a wrong payload
bulk.emit(["doc:1"], "doc:move", { x: 1 });
// @ts-expect-error a payload of another event
bulk.emit(["lobby", "doc:1"], "shout", { emoji: "heart" });
// @ts-expect-error any rooms at all
bulk.emit(["lobby"] as string[], "shout", "text");
