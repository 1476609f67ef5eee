// bytesocket Chat 0.1.0 - contract 123e54fee110cee5 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- this contract

const contract = () => ({
  path: "/ws",
  fingerprint: "123e54fee110cee5c52179c3a5be965bb6ae7d00e89e510a91b78052b1813d30",
  codec: "json",
  volatile: ["chat:typing"],
  empty: ["chat:typing"],
  presence: ["lobby"],
});

/**
 * Connect, and stay connected. Without a URL: to the server that the page came from.
 *
 * The URL may be one of `ws`, `wss`, `http` or `https`.
 */
export function connect(first, second) {
  return createClient(contract(), first, second);
}

// ---------------------------------------------------------------- runtime: the wire and the client

class $RequestError extends Error {
  constructor(code, message, data, details = [], more) {
    super(message);
    Object.assign(this, { name: "RequestError", code, data, details, ...more });
  }
}

/** Refuse what neither codec can carry without loss: maps, sets, instances of classes. */
function plain(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null && !Array.isArray(value)) {
    const name = prototype.constructor?.name ?? "an object";
    throw new TypeError(`${name} cannot be sent: payloads hold objects, arrays and scalars`);
  }
  return value;
}

function toJson(message) {
  return JSON.stringify(message, (_, value) => {
    if (typeof value === "object" && value !== null) return plain(value);
    const kind = typeof value;
    if (
      kind === "function" ||
      kind === "symbol" ||
      (kind === "number" && !Number.isFinite(value))
    ) {
      throw new TypeError(`${String(value)} cannot be sent as JSON`);
    }
    return value;
  });
}

/** The longest time that timers hold. */
const longest = 2 ** 31 - 1;

/** Check a number of the options. */
function amount(name, value) {
  if (typeof value === "number" && value >= 0) return value;
  throw new RangeError(`${name} must be a number from 0 on, not ${String(value)}`);
}

/** Check the milliseconds of an option; 0 is off, as infinity is. */
function time(name, value) {
  const given = amount(name, value);
  return given === Infinity ? given : Math.min(given, longest) || Infinity;
}

/** Whether a server that closes with this code first does not want the client back. */
const isFinal = (code) => code === 4003 || code === 4010 || (code >= 4400 && code < 4500);

/** What listeners of a room's end are kept under: no event has this name. */
const leftKey = Symbol("left");

/** What listeners of a room's presence are kept under. */
const presentKey = Symbol("presence");

/** Milliseconds for any frame after a ping that asks whether the server is still there. */
const probeTime = 2_000;

/** Bytes on their way out above which the network is behind: what may be lost is not sent. */
const volatileLimit = 16_384;

/** A promise with its handles outside, which may be rejected without anybody looking. */
function deferred() {
  const self = { settled: false };
  self.promise = new Promise((resolve, reject) => {
    const settler = (settle) => (value) => {
      self.settled = true;
      settle(value);
    };
    self.resolve = settler(resolve);
    self.reject = settler(reject);
  });
  self.promise.catch(() => {});
  return self;
}

/** Listeners by event. Dispatch goes over a snapshot; one removed meanwhile is not called. */
function createListeners(failed) {
  const table = new Map();
  const remove = (event, gone) => {
    table.set(
      event,
      (table.get(event) ?? []).filter((entry) => !gone(entry)),
    );
  };
  return {
    on(event, listener, kind = "on") {
      const entries = table.get(event) ?? [];
      const known = entries.find((other) => other.listener === listener && other.kind === "on");
      const entry = kind === "on" && known ? known : { listener, kind };
      if (entry !== known) table.set(event, [...entries, entry]);
      return () => remove(event, (other) => other === entry);
    },
    off(event, listener) {
      remove(event, (entry) => (listener ? entry.listener === listener : entry.kind !== "inner"));
    },
    fire(event, ...values) {
      const entries = table.get(event) ?? [];
      for (const entry of entries) {
        if (!table.get(event)?.includes(entry)) continue;
        if (entry.kind === "once") remove(event, (other) => other === entry);
        try {
          const result = entry.listener(...values);
          if (result instanceof Promise) result.catch((error) => failed(error, event));
        } catch (error) {
          failed(error, event);
        }
      }
      return entries.length > 0;
    },
    clear: () => table.clear(),
  };
}

/** A member of an object, which it has if there is a value. */
const defined = (key, value) => (value === undefined ? {} : { [key]: value });

/** The error context of any server, ours or not, in one shape (`error` may be a list or a text). */
function explain(context) {
  const error = context?.error ?? context;
  const list = Array.isArray(error);
  return {
    phase: String(context?.phase ?? "server"),
    code: String((!list && error?.code) || "refused"),
    message: String(
      (list ? error[1] : typeof error === "string" ? error : error?.message) ||
        "The server refused",
    ),
    ...defined("data", error?.data),
    ...defined("event", context?.event),
    ...defined("room", context?.room),
    details: Array.isArray(context?.details) ? context.details : [],
  };
}

function toError(context) {
  const { code, message, data, details } = explain(context);
  return new $RequestError(code, message, data, details);
}

function resolveUrl(contract, address, options) {
  const page = globalThis.location?.href;
  if (address === undefined && !page?.startsWith("http")) {
    throw new Error(`connect() needs a URL here, such as "ws://127.0.0.1:8000${contract.path}"`);
  }
  const url = new URL(address ?? contract.path, page);
  if (url.pathname.length < 2) url.pathname = contract.path;
  url.protocol = url.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(url.protocol)) throw new Error(`${url} is no ws or http URL`);
  url.hash = "";
  const heartbeat = options.heartbeat?.interval;
  const own = { contract: contract.fingerprint, ...defined("heartbeat", heartbeat) };
  // What else is in the query stays as it is written; searchParams would write all of it anew.
  const added = Object.entries({ ...options.params, ...own }).map((pair) =>
    pair.map(encodeURIComponent),
  );
  const kept = url.search
    .slice(1)
    .split("&")
    .filter((each) => each && !added.some(([key]) => key === each.split("=")[0]));
  url.search = [...kept, ...added.map((pair) => pair.join("="))].join("&");
  return url.href;
}

function createClient(contract, first, second) {
  const addressed = typeof first === "string" || first instanceof URL;
  const options = (addressed ? second : (second ?? first)) ?? {};
  const queueSize = amount("queueSize", options.queueSize ?? 100);
  const timeOf = (group, key, standard) =>
    time(`${group}.${key}`, options[group]?.[key] ?? standard);
  const least = timeOf("reconnect", "min", 250);
  const most = timeOf("reconnect", "max", 15_000);
  const pingEvery = timeOf("heartbeat", "interval", 25_000);
  const pongIn = timeOf("heartbeat", "timeout", 20_000);
  const openIn = timeOf("timeouts", "connect", 20_000);
  const replyIn = timeOf("timeouts", "request", 10_000);
  const url = resolveUrl(contract, addressed ? first : undefined, options);
  let codec = options.codec ?? contract.codec;
  const WebSocketClass = options.WebSocket ?? globalThis.WebSocket;
  if (!WebSocketClass) {
    throw new Error("No WebSocket here (Node has one since 22): connect(url, { WebSocket })");
  }

  const rooms = new Map();
  const pending = new Map();
  const iterators = new Set();
  const timers = {};
  let state = "connecting";
  let socket;
  let ready = deferred();
  let doubtful = [];
  let queue = [];
  /** Joins without an answer, by room: the answer to the last one counts. */
  let asked = new Map();
  let attempts = 0;
  let openedAt = 0;
  let lastId = 0;
  /** Whether somebody waits for `ready`. */
  let awaited = false;
  /** Whether the browser was offline, and the server has said nothing since. */
  let held = false;
  /** For which the client does not come back. */
  let ended;

  const report = (problem) => {
    if (!hooks.fire("error", problem)) console.error("bytesocket:", problem.message, problem);
  };
  const problem = (phase, code, message, more) => {
    return { phase, code, message: String(message), ...more, details: [] };
  };
  const listenerFailed = (error, event) =>
    report(problem("listener", "internal", error, { event, error }));
  // A hook that fails is not told to the hooks: it could fail for ever.
  const hooks = createListeners((error) => console.error("bytesocket:", error));
  const listeners = createListeners(listenerFailed);

  const setState = (next, ending) => {
    if (state === next) return;
    state = next;
    hooks.fire("state", next, ending);
  };
  const clear = (name) => {
    clearTimeout(timers[name]);
    delete timers[name];
  };
  const timer = (name, milliseconds, run) => {
    clear(name);
    if (milliseconds === Infinity) return;
    timers[name] = setTimeout(() => {
      clear(name);
      run();
    }, milliseconds);
  };
  const disconnected = () =>
    ended ?? new $RequestError("disconnected", "The connection ended first");
  const encode = (message) => {
    if (codec !== "json") return pack(message);
    return toJson(message);
  };
  /** The data of an event, or the credentials, as the codec in use carries them. */
  const written = (event, data, place) =>
    codec === "json" && contract.toText ? contract.toText(event, data, place) : data;
  const isLosable = (event) => contract.volatile.includes(event);
  const isOpen = () => state === "open" && socket?.readyState === 1;
  const isSending = () => isOpen() && !held;

  // ---- out

  const place = (room) => defined(Array.isArray(room) ? "rooms" : "room", room);
  const dropped = ({ event, data, room }, reason) => {
    hooks.fire("dropped", { event, data, ...place(room), reason });
  };
  /** Remember an event that was sent before the server let the client in. */
  const doubt = (message) => {
    if (!ready.settled && !message.id && doubtful.length < queueSize) doubtful.push(message);
  };
  /** Send what waits, as far as it may go. */
  const sendQueued = () => {
    for (let next; isSending() && (next = queue[0]);) {
      queue.shift();
      socket?.send(next.frame);
      doubt(next);
      const call = pending.get(next.id ?? 0);
      if (call) call.sent = true;
    }
  };
  const dropQueued = (reason, gone, error = disconnected()) => {
    const lost = queue.filter(gone);
    queue = queue.filter((message) => !gone(message));
    for (const message of lost) {
      dropped(message, reason);
      pending.get(message.id ?? 0)?.finish(error);
    }
  };
  const transmit = (event, data, room, id) => {
    const frame = encode({ ...place(room), event, data: written(event, data), ...(id && { id }) });
    const message = { frame, event, data, room, id };
    const isVolatile = isLosable(event);
    if (socket && isSending()) {
      if (isVolatile && socket.bufferedAmount > volatileLimit) return "dropped";
      socket.send(frame);
      doubt(message);
      return "sent";
    }
    if (state === "closed" || isVolatile) return "dropped";
    if (queue.length >= queueSize) {
      dropped(message, "full");
      return "dropped";
    }
    queue.push(message);
    return "queued";
  };
  const emit = (event, data = {}, room) => transmit(event, data, room);
  const request = (event, values, reply, room) =>
    new Promise((resolve, reject) => {
      const [data, settings = {}] = contract.empty.includes(event) ? [{}, ...values] : values;
      const { signal, timeoutMs = replyIn } = settings;
      const within = time("timeoutMs", timeoutMs);
      signal?.throwIfAborted();
      const id = ++lastId;
      const sent = transmit(event, data, room, id);
      if (sent === "dropped") {
        const full = isSending() || (state !== "closed" && !isLosable(event));
        return reject(full ? new $RequestError("dropped", "The queue is full") : disconnected());
      }
      const finish = (error, value) => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", abort);
        pending.delete(id);
        queue = queue.filter((message) => message.id !== id);
        if (error === undefined) resolve(value);
        else reject(error);
      };
      const abort = () => finish(signal?.reason);
      const late = () =>
        finish(new $RequestError("timeout", `No reply to ${event} in ${within} ms`));
      const deadline = within < Infinity ? setTimeout(late, within) : undefined;
      signal?.addEventListener("abort", abort);
      pending.set(id, { sent: sent === "sent", reply, event, finish });
    });

  // ---- rooms

  const askToJoin = (room) => {
    if (room.ready.settled) room.ready = deferred();
    asked.set(room.name, (asked.get(room.name) ?? 0) + 1);
    const message = { type: 9, room: room.name };
    if (room.present) Object.assign(message, { presence: true });
    socket?.send(encode(message));
  };
  const joinAnswered = (name, refused) => {
    const open = (asked.get(name) ?? 1) - 1;
    if (open > 0) asked.set(name, open);
    else asked.delete(name);
    const room = rooms.get(name);
    if (!room || open > 0) return;
    room.joined = !refused;
    if (!refused) return room.ready.resolve();
    room.ready.reject(toError(refused));
    report({ ...explain(refused), room: name });
  };
  /** Server code took the client out of a room; where it asks to come in, the answer decides. */
  const removed = ({ room: name, code, message }) => {
    const room = rooms.get(name);
    if (!room || asked.get(name)) return;
    const why = new $RequestError(String(code ?? "removed"), String(message ?? "Removed"));
    const handles = [...room.handles];
    for (const [, end] of handles) end(why);
    for (const [heard] of handles) heard.fire(leftKey, { code: why.code, message: why.message });
    tellPresence(room, handles, nobody);
  };
  const tellPresence = (room, handles, told, text = false) => {
    const change = room.present?.take(told, text);
    if (change) for (const [heard] of [...handles]) heard.fire(presentKey, change);
  };
  /** What comes before the answer to a join is about a membership of before. */
  const presenceTold = ({ room: name, data }, text) => {
    const room = rooms.get(name);
    if (room?.joined) tellPresence(room, room.handles, data, text);
  };
  const createPresentIn = (name, pattern) => {
    if (!contract.presence.includes(pattern)) return undefined;
    const change = (changes) => {
      const data = written(undefined, changes, pattern);
      const frame = encode({ type: 36, room: name, data });
      if (!isSending() || rooms.get(name)?.present !== present) return "dropped";
      socket?.send(frame);
      return "sent";
    };
    const present = createPresent(
      change,
      (text, entry) => read(text, undefined, entry, pattern),
      (error) =>
        report(problem("decode", "invalid", "An entry cannot be read", { room: name, error })),
    );
    return present;
  };
  const join = (pattern, params = {}) => {
    const name = pattern.replace(/\{([^{}]+)\}/g, (_, key) => String(params[key]));
    const known = rooms.get(name);
    const room = known ?? {
      name,
      joined: false,
      ready: deferred(),
      handles: new Map(),
    };
    if (!room.present) room.present = createPresentIn(name, pattern);
    const heard = createListeners(listenerFailed);
    const ends = new Set();
    let gone;
    /** End this handle; true if it was the room's last. */
    const end = (error) => {
      gone = error;
      room.handles.delete(heard);
      for (const stop of ends) stop();
      if (room.handles.size > 0 || rooms.get(name) !== room) return false;
      rooms.delete(name);
      if (room.ready.settled) room.ready = deferred();
      room.ready.reject(error);
      dropQueued("left", (message) => message.room === name, error);
      return true;
    };
    rooms.set(name, room);
    room.handles.set(heard, end);
    if (state === "closed") room.ready.reject(disconnected());
    // A join whose answer is to come may be one that a leave followed.
    if (isOpen() && !room.joined && !(known && asked.get(name))) askToJoin(room);
    const leave = () => {
      if (gone) return;
      heard.clear();
      if (!end(disconnected())) return;
      room.present?.take(nobody, false);
      if (isOpen()) socket?.send(encode({ type: 12, room: name }));
    };
    return disposable(leave, {
      name,
      get ready() {
        return room.ready.promise;
      },
      ...verbs(heard, ends),
      emit: (event, data) => (gone ? "dropped" : emit(event, data, name)),
      request: (event, ...values) =>
        gone ? Promise.reject(gone) : request(event, values, pattern, name),
      onLeft: (listener) => heard.on(leftKey, listener),
      ...(room.present && {
        presence: room.present.users,
        onPresence: (listener) => heard.on(presentKey, listener),
      }),
      leave,
    });
  };

  // ---- in

  const read = (text, event, data, place) =>
    text && contract.fromText ? contract.fromText(event, data, place) : data;
  const deliver = (message, text) => {
    const { event, room, rooms: names } = message;
    if (typeof event !== "string" && typeof event !== "number") return;
    const data = read(text, event, message.data);
    const many = Array.isArray(names);
    for (const name of new Set(many ? names : [room])) {
      for (const heard of [...(rooms.get(name)?.handles.keys() ?? [])])
        heard.fire(event, data, { room: name });
    }
    listeners.fire(event, data, many ? { rooms: names } : typeof room === "string" ? { room } : {});
  };
  const answered = ({ type, id, data }, text) => {
    const call = pending.get(id);
    if (type === 33) call?.finish(toError(data));
    else call?.finish(undefined, read(text, call.event, data, call.reply));
  };
  const accept = (message, text) => {
    const { type, data } = message;
    const error = type && type !== 32 && data?.error;
    if (error?.code) error.data = read(text, error.code, error.data, null);
    switch (type) {
      case 3:
        return report(explain(data));
      case 5:
        return state === "connecting" ? opened() : undefined;
      case 6:
        return turnedAway(4001, "Authentication failed", toError(data), explain(data));
      case 10:
        return joinAnswered(message.room);
      case 11:
        return joinAnswered(message.room, data ?? {});
      case 32:
      case 33:
        return answered(message, text);
      case 36:
        return presenceTold(message, text);
      case 38:
        return removed(message);
    }
    deliver(message, text);
  };
  const decode = (raw) => {
    if (typeof raw !== "string") return unpack(new Uint8Array(raw));
    return JSON.parse(raw);
  };
  const received = (raw) => {
    const text = typeof raw === "string";
    ["pong", "probe", "heard"].forEach(clear);
    try {
      const message = text || raw.byteLength > 0 ? decode(raw) : null;
      if (typeof message === "object" && message !== null) accept(message, text);
    } catch (error) {
      report(problem("decode", "invalid", `A message cannot be read: ${error}`, { error }));
    }
    if (state !== "open") return;
    ready.resolve();
    if (held && !timers["offline"]) resume();
  };

  // ---- the connection

  const dial = () => {
    Object.keys(timers).forEach(clear);
    doubtful = [];
    setState("connecting");
    if (state === "closed") return;
    let current;
    try {
      current = new WebSocketClass(url, [`bytesocket.${codec === "json" ? codec : "binary"}`]);
    } catch (error) {
      if (attempts === 0) throw error;
      return lost(String(error));
    }
    const { auth } = options;
    const credentials =
      auth === undefined ? undefined : (async () => (typeof auth === "function" ? auth() : auth))();
    credentials?.catch(() => {});
    socket = current;
    current.binaryType = "arraybuffer";
    timer("connect", openIn, () => lost("No answer in time", 4002));
    current.onmessage = (event) => received(event.data);
    current.onclose = (event) => closed(event?.code ?? 1006, event?.reason ?? "");
    // Node before 24 tells a failed dial by an error only, never by a close.
    current.onerror = (event) => lost(event?.message || "the connection failed");
    current.onopen = async () => {
      if (!credentials) {
        opened();
        return awaited && askWhetherIn();
      }
      try {
        const data = await credentials;
        if (socket === current) current.send(encode({ type: 4, data: written(undefined, data) }));
      } catch (error) {
        if (socket === current) lost(`auth failed: ${error}`, 4001);
      }
    };
  };
  const opened = () => {
    clear("connect");
    openedAt = Date.now();
    state = "open";
    for (const room of rooms.values()) askToJoin(room);
    resume();
    beat();
    hooks.fire("state", state);
  };
  /** Send a ping; without any frame in time the connection is given up. */
  const ping = (deadline, within) => {
    if (timers[deadline] || !isOpen()) return;
    socket?.send(new Uint8Array(0));
    timer(deadline, within, () => lost("Pong timeout", 4003));
  };
  const beat = () =>
    timer("ping", pingEvery, () => {
      beat();
      ping("pong", pongIn);
    });
  /** Without credentials nothing but the server's first frame tells that it lets the client in. */
  const askWhetherIn = () => {
    if (state !== "open" || ready.settled || timers["heard"]) return;
    if (pingEvery < Infinity) ping("pong", pongIn);
    timer("heard", probeTime, ready.resolve);
  };
  /** Let go of the socket; nothing it says later counts. */
  const release = (code = 1000, reason = "") => {
    const gone = socket;
    socket = undefined;
    Object.keys(timers).forEach(clear);
    if (!gone) return;
    gone.onopen = gone.onmessage = gone.onclose = null;
    gone.onerror = () => {};
    if (gone.readyState < 2) gone.close(code, reason);
  };
  const turnedAway = (code, reason, error, told) => {
    // Before anybody is told, as listeners may close the client.
    ended = error;
    const lost = ready.settled ? [] : doubtful;
    report(told);
    for (const message of lost) dropped(message, "refused");
    stop(code, reason, error);
  };
  const closed = (code, reason) => {
    const why = `closed with ${code} ${reason}`;
    if (!isFinal(code)) return lost(why, undefined, { code, reason });
    const ending = { closeCode: code, closeReason: reason };
    const error = new $RequestError("disconnected", why, undefined, [], ending);
    turnedAway(code, reason, error, problem("network", error.code, why));
  };
  const lost = (why, code, ending) => {
    const wasOpen = state === "open";
    const reason = code ? why.slice(0, 40) : "";
    release(code, reason);
    if (wasOpen && Date.now() - openedAt > 5_000) attempts = 0;
    if (ready.settled) ready = deferred();
    asked = new Map();
    for (const room of rooms.values()) {
      room.joined = false;
      if (room.ready.settled) room.ready = deferred();
    }
    const first = attempts === 0;
    // Without a least time the first attempt is at once, and the others are as usual.
    const doubled = (least < Infinity ? least : attempts && 125) * 2 ** attempts++;
    timer("dial", Math.random() * Math.min(most, doubled, longest), dial);
    setState("waiting", ending ?? { code: code ?? 1006, reason });
    for (const call of [...pending.values()]) if (call.sent) call.finish(disconnected());
    const message = `${url.split("?")[0]}: ${why}`;
    if (!hooks.fire("error", problem("network", "disconnected", message)) && first && !wasOpen)
      console.error("bytesocket:", message);
  };
  const stop = (code, reason, error) => {
    if (state === "closed") return;
    ended = error;
    release(code, reason);
    watch("remove");
    setState("closed", { code, reason });
    if (ready.settled) ready = deferred();
    ready.reject(error);
    for (const call of [...pending.values()]) call.finish(error);
    for (const end of iterators) end();
    dropQueued("closed", () => true);
    for (const room of rooms.values()) for (const [, end] of room.handles) end(error);
  };

  // ---- what a browser says of the network

  const resume = () => {
    held = false;
    sendQueued();
  };
  const probe = () => ping("probe", probeTime);
  const check = () => (state === "waiting" ? dial() : probe());
  const online = () => {
    ["offline", "probe"].forEach(clear);
    check();
  };
  /** Keep messages back; a connection that goes on all the same, as on one machine, is used. */
  const offline = () => {
    if (!isOpen()) return;
    held = true;
    probe();
    timer("offline", probeTime, resume);
  };
  const visible = () => {
    if (globalThis.document?.visibilityState === "visible") check();
  };
  const watch = (verb) => {
    const page = globalThis;
    const call = `${verb}EventListener`;
    page[call]?.("online", online);
    page[call]?.("offline", offline);
    page.document?.[call]?.("visibilitychange", visible);
  };
  const close = () => stop(1000, "normal", disconnected());

  // ---- what both handles offer

  const verbs = (heard, ends) => ({
    on: (event, listener) => heard.on(event, listener),
    once: (event, listener) => heard.on(event, listener, "once"),
    off: heard.off,
    events: (event, { signal } = {}) => {
      const arrived = [];
      let more = deferred();
      let done = false;
      const wake = () => {
        more.resolve();
        more = deferred();
      };
      const hear = (value) => {
        arrived.push(value);
        wake();
      };
      const off = heard.on(event, hear, "inner");
      const end = () => {
        done = true;
        off();
        ends.delete(end);
        signal?.removeEventListener("abort", end);
        wake();
      };
      ends.add(end);
      signal?.addEventListener("abort", end);
      if (state === "closed" || signal?.aborted) end();
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        next: async () => {
          while (!done && arrived.length === 0) await more.promise;
          return arrived.length > 0
            ? { value: arrived.shift(), done: false }
            : { value: undefined, done };
        },
        return: async () => {
          end();
          return { value: undefined, done };
        },
      };
    },
  });
  /** Make `using` and `await using` work where the platform knows them. */
  const disposable = (end, handle) => {
    const { dispose, asyncDispose } = Symbol;
    if (dispose) handle[dispose] = end;
    if (asyncDispose) handle[asyncDispose] = async () => end();
    return handle;
  };

  dial();
  watch("add");
  return disposable(close, {
    get state() {
      return state;
    },
    get ready() {
      awaited = true;
      askWhetherIn();
      return ready.promise;
    },
    get ended() {
      return ended;
    },
    ...verbs(listeners, iterators),
    emit: (event, data) => emit(event, data),
    request: (event, ...values) => request(event, values, ""),
    join,
    emitRooms: (handles, event, data) => {
      const names = [...new Set(handles.map(({ name }) => name))].filter((name) => rooms.has(name));
      return names.length ? emit(event, data, names) : "dropped";
    },
    onState: (listener) => hooks.on("state", listener),
    onError: (listener) => hooks.on("error", listener),
    onDropped: (listener) => hooks.on("dropped", listener),
    close,
  });
}

// ---------------------------------------------------------------- runtime: MessagePack

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where messages are written before they are copied out; a large one makes its own. */
let scratch = new Uint8Array(1024);

/** Write MessagePack. msgpackr peers misread 64 to 127 in one byte, and integers in eight. */
function pack(message) {
  let bytes = scratch;
  let view = new DataView(bytes.buffer);
  let end = 0;
  const claim = (size) => {
    if (end + size > bytes.length) {
      const larger = new Uint8Array(Math.max(bytes.length * 2, end + size));
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    end += size;
    return end - size;
  };
  /** A tag and, in the next 0, 1, 2 or 4 bytes, a number. */
  const head = (tag, width, value) => {
    const at = claim(1 + width);
    view.setUint8(at, tag);
    if (width === 1) view.setUint8(at + 1, value);
    if (width === 2) view.setUint16(at + 1, value);
    if (width === 4) view.setUint32(at + 1, value);
  };
  const sized = (length, fixed, limit, tag8, tag16) => {
    if (length < limit) head(fixed | length, 0, 0);
    else if (length < 256 && tag8) head(tag8, 1, length);
    else if (length < 65536) head(tag16, 2, length);
    else head(tag16 + 1, 4, length);
  };
  const raw = (part) => {
    const at = claim(part.length);
    bytes.set(part, at);
  };
  const number = (value) => {
    if (
      !Number.isInteger(value) ||
      Object.is(value, -0) ||
      value > 0xffffffff ||
      value < -0x80000000
    ) {
      const at = claim(9);
      view.setUint8(at, 0xcb);
      view.setFloat64(at + 1, value);
    } else if (value >= 0) {
      sized(value, 0, 64, 0xcc, 0xcd);
    } else if (value >= -32) head(value & 255, 0, 0);
    else if (value >= -128) head(0xd0, 1, value);
    else if (value >= -32768) head(0xd1, 2, value);
    else head(0xd2, 4, value);
  };
  const bigint = (value) => {
    if (Number.isSafeInteger(Number(value))) return number(Number(value));
    const at = claim(9);
    view.setUint8(at, value < 0 ? 0xd3 : 0xcf);
    // What does not fit into 64 bits is cut, and read as another number.
    view.setBigInt64(at + 1, value);
    if (view[value < 0 ? "getBigInt64" : "getBigUint64"](at + 1) !== value) {
      throw new RangeError("An integer beyond 64 bits cannot be sent");
    }
  };
  const string = (value) => {
    const { length } = value;
    if (length < 32) {
      // Short ASCII, as most keys are, is quicker by hand.
      const at = claim(1 + length);
      let index = 0;
      for (let code; index < length && (code = value.charCodeAt(index)) < 128;) {
        bytes[at + ++index] = code;
      }
      bytes[at] = 0xa0 | length;
      if (index === length) return;
      end = at;
    }
    const text = utf8.encode(value);
    sized(text.length, 0xa0, 32, 0xd9, 0xda);
    raw(text);
  };
  const object = (value) => {
    if (value instanceof Uint8Array) {
      sized(value.length, 0, 0, 0xc4, 0xc5);
      raw(value);
    } else if (Array.isArray(value)) {
      sized(value.length, 0x90, 16, 0, 0xdc);
      value.forEach(write);
    } else if (typeof value.toJSON === "function") {
      write(value.toJSON());
    } else {
      plain(value);
      const keys = Object.keys(value).filter((key) => value[key] !== undefined);
      sized(keys.length, 0x80, 16, 0, 0xde);
      for (const key of keys) {
        write(key);
        write(value[key]);
      }
    }
  };
  const write = (value) => {
    if (value === null || value === undefined) head(0xc0, 0, 0);
    else if (typeof value === "boolean") head(value ? 0xc3 : 0xc2, 0, 0);
    else if (typeof value === "number") number(value);
    else if (typeof value === "bigint") bigint(value);
    else if (typeof value === "object") object(value);
    else if (typeof value === "string") string(value);
    else throw new TypeError(`A ${typeof value} cannot be sent`);
  };
  write(message);
  if (bytes.length <= 65536) scratch = bytes;
  return bytes.slice(0, end);
}

/** Read MessagePack; integers beyond 2^53 are rounded to numbers, as JSON.parse does. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const skip = (size) => {
    at += size;
    if (at > bytes.length) throw new RangeError("The message ends too early");
    return at - size;
  };
  const uint = (width) =>
    width === 1
      ? view.getUint8(skip(1))
      : width === 2
        ? view.getUint16(skip(2))
        : view.getUint32(skip(4));
  const blob = (size) => bytes.slice(skip(size), at);
  const text = (size) => fromUtf8.decode(bytes.subarray(skip(size), at));
  const list = (size) => {
    const items = [];
    while (size-- > 0) items.push(read());
    return items;
  };
  const map = (size) => {
    const result = {};
    while (size-- > 0) {
      const key = String(read());
      const value = read();
      // An assignment to __proto__ would lose the value.
      if (key === "__proto__") Object.defineProperty(result, key, { value, enumerable: true });
      else result[key] = value;
    }
    return result;
  };
  const read = () => {
    const tag = uint(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return map(tag & 15);
    if (tag < 0xa0) return list(tag & 15);
    if (tag < 0xc0) return text(tag & 31);
    if (tag > 0xdf) return tag - 256;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xca:
        return view.getFloat32(skip(4));
      case 0xcb:
        return view.getFloat64(skip(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return uint(1 << (tag - 0xcc));
      case 0xcf:
        return uint(4) * 2 ** 32 + uint(4);
      case 0xd0:
        return view.getInt8(skip(1));
      case 0xd1:
        return view.getInt16(skip(2));
      case 0xd2:
        return view.getInt32(skip(4));
      case 0xd3:
        return view.getInt32(skip(4)) * 2 ** 32 + uint(4);
      case 0xd4: // undefined, as JavaScript peers write it
        if (uint(2) === 0) return undefined;
        break;
      case 0xdc:
      case 0xdd:
        return list(uint(2 << (tag - 0xdc)));
      case 0xde:
      case 0xdf:
        return map(uint(2 << (tag - 0xde)));
    }
    if (tag >= 0xc4 && tag <= 0xc6) return blob(uint(1 << (tag - 0xc4)));
    if (tag >= 0xd9 && tag <= 0xdb) return text(uint(1 << (tag - 0xd9)));
    throw new RangeError(`Unknown MessagePack tag ${tag}; see generate --peer`);
  };
  const value = read();
  if (at !== bytes.length) throw new RangeError("The message goes on after its end");
  return value;
}

// ---------------------------------------------------------------- runtime: who is in a room

/** What is told of a room that this client is not in any more. */
const nobody = { count: 0, users: [] };

/** `read` makes an entry of what arrived; `failed` hears of one that is no object. */
function createPresent(update, read, failed) {
  const users = Object.assign(new Map(), {
    count: 0,
    update,
  });
  const list = (value) => (Array.isArray(value) ? value : []);
  const isEntry = (entry) => {
    if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) return true;
    failed(entry);
    return false;
  };
  return {
    users,
    take(told, text) {
      const before = new Map(users);
      const { count } = users;
      if (Array.isArray(told?.users)) users.clear();
      for (const pair of [told?.users, told?.enter, told?.change].map(list)) {
        for (const [key, entries] of pair.map(list)) {
          if ((typeof key !== "string" && typeof key !== "number") || !Array.isArray(entries))
            continue;
          const fresh = entries.filter(isEntry).map((entry) => read(text, entry));
          const known = before.get(key);
          // Entries that are as they were stay the same objects.
          const isSame = known && JSON.stringify(known) === JSON.stringify(fresh);
          users.set(key, isSame ? known : fresh);
        }
      }
      for (const key of list(told?.exit)) users.delete(key);
      users.count = typeof told?.count === "number" ? told.count : users.size;
      const now = [...users.keys()];
      const change = {
        entered: now.filter((key) => !before.has(key)),
        changed: now.filter((key) => before.has(key) && before.get(key) !== users.get(key)),
        exited: [...before.keys()].filter((key) => !users.has(key)),
      };
      const isNews = Object.values(change).some((keys) => keys.length);
      return isNews || count !== users.count ? change : undefined;
    },
  };
}

export const RequestError = $RequestError;
