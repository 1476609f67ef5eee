// A client and a server that speak as the TypeScript packages do, by the protocol's description:
// the same MessagePack library (msgpackr) with the same settings, over the same WebSocket (ws).
import { FLOAT32_OPTIONS, Packr } from "msgpackr";
import { WebSocket, WebSocketServer } from "ws";

const settings = {
  useRecords: false,
  structuredClone: false,
  bundleStrings: true,
  useFloat32: FLOAT32_OPTIONS.DECIMAL_FIT,
  copyBuffers: false,
  int64AsType: "bigint",
};
const packr = new Packr(settings);

const write = (socket, message) => socket.send(packr.pack(message));
const read = (frame, isBinary) => (isBinary ? packr.unpack(frame) : JSON.parse(frame.toString()));

/**
 * Connect; `next()` gives the messages one by one, an empty frame as `null`. The options are those
 * that users of the packages may set, such as `moreTypes`.
 */
export const dial = async (url, options = {}) => {
  const own = new Packr({ ...settings, ...options });
  const socket = new WebSocket(url);
  const waiting = [];
  const arrived = [];
  socket.on("message", (frame, isBinary) => {
    arrived.push(frame.length === 0 ? null : { ...read(frame, isBinary), isBinary });
    waiting.shift()?.();
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return {
    send: (message) => socket.send(own.pack(message)),
    ping: () => socket.send(new Uint8Array(0)),
    close: () => socket.close(),
    next: async () => {
      if (arrived.length === 0) await new Promise((resolve) => waiting.push(resolve));
      return arrived.shift();
    },
  };
};

/**
 * Serve authentication, rooms, `echo`, `values`, which sends each of some values, and `cut`, which
 * drops the connection. Rooms whose name begins with `locked` let nobody in. With `json` the server
 * writes text frames.
 */
export const serve = (token, tell, { values = [], json = false } = {}) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const put = json
    ? (socket, message) => socket.send(JSON.stringify(message))
    : (socket, message) => write(socket, message);
  const rooms = new Map();
  const members = (room) => rooms.get(room) ?? rooms.set(room, new Set()).get(room);
  const others = (names, socket) =>
    new Set(names.flatMap((room) => [...members(room)]).filter((one) => one !== socket));
  const join = (socket, room) => {
    if (room.startsWith("locked")) {
      const error = new Error("Nobody gets in.", { cause: { since: new Date(0) } });
      return put(socket, { type: 11, room, data: { phase: "onJoinRoom", error } });
    }
    members(room).add(socket);
    put(socket, { type: 10, room });
  };
  server.on("connection", (socket) => {
    let known = token === undefined;
    socket.on("close", () => rooms.forEach((inside) => inside.delete(socket)));
    socket.on("message", (frame, isBinary) => {
      if (frame.length === 0 && isBinary) return socket.send(frame);
      const message = read(frame, isBinary);
      if (message.type === 4) {
        known = message.data.token === token;
        if (known) return put(socket, { type: 5 });
        const error = new Error("Who are you?");
        put(socket, { type: 6, data: { phase: "auth", error, code: 4003 } });
        return socket.close(4003, "auth");
      }
      if (!known) return;
      tell(message);
      const { type, room, rooms: names, event, data } = message;
      if (type === 9) join(socket, room);
      else if (type === 12) {
        members(room).delete(socket);
        put(socket, { type: 13, room });
      } else if (room !== undefined) {
        for (const other of others([room], socket)) put(other, { room, event, data });
      } else if (names !== undefined) {
        for (const other of others(names, socket)) put(other, { rooms: names, event, data });
      } else if (event === "echo") put(socket, { event: "echoed", data });
      else if (event === "values") {
        for (const value of values) put(socket, { event: "echoed", data: { value } });
      } else if (event === "cut") socket.terminate();
    });
  });
  server.on("listening", () => tell({ port: server.address().port }));
  return server;
};
