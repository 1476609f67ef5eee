// ---------------------------------------------------------------- runtime: the wire and the client

type $Name = string | number;
type $Codec = "json" | "binary" | "msgpack";
type $Listener = (...values: any[]) => unknown;

/** What the runtime has to know of the contract; the types know the rest. */
interface $Contract {
  path: string;
  fingerprint: string;
  codec: $Codec;
  /** Events that are never queued. */
  volatile: readonly $Name[];
  /** Events whose payload is an empty object, which callers leave out. */
  empty: readonly $Name[];
  /**
   * Bytes to JSON text and back; absent when nothing holds bytes. Credentials are no event's; the
   * place is a reply's pattern or "", and null for the data of a refusal, which is known by its code.
   * Entries of a room with presence are no event's either, and their place is its pattern.
   */
  toText?: (event: $Name | undefined, data: unknown, place?: string | null) => unknown;
  fromText?: (event: $Name | undefined, data: unknown, place?: string | null) => unknown;
  /* paced */
  pacing: $Pacing;
  /* end */
  /* present */
  /** The patterns of the rooms with presence. */
  presence: readonly string[];
  /* end */
}

interface $Socket {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

interface $Options {
  auth?: unknown;
  codec?: $Codec;
  reconnect?: { min?: number; max?: number };
  heartbeat?: { interval?: number; timeout?: number };
  timeouts?: { connect?: number; request?: number };
  queueSize?: number;
  params?: Record<string, string | number | boolean>;
  WebSocket?: new (url: string, protocols: string[]) => $Socket;
}

interface $RequestOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

interface $Deferred {
  promise: Promise<void>;
  settled: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

interface $Listeners {
  on(event: $Name, listener: $Listener, kind?: "on" | "once" | "inner"): () => void;
  off(event: $Name, listener?: $Listener): void;
  fire(event: $Name, ...values: unknown[]): boolean;
  clear(): void;
}

interface $Room {
  name: string;
  /* paced */
  pattern: string;
  /* end */
  joined: boolean;
  ready: $Deferred;
  /* present */
  present?: $Present | undefined;
  /* end */
  /** What each handle has heard by, and how it ends. */
  handles: Map<$Listeners, (error: $RequestError) => boolean>;
}

interface $Queued {
  frame: string | Uint8Array;
  event: $Name;
  data: unknown;
  room: string | string[] | undefined;
  id: number | undefined;
}

interface $Pending {
  sent: boolean;
  reply: string;
  event: $Name;
  finish(error: unknown, value?: unknown): void;
}

class $RequestError extends Error {
  declare readonly code: string;
  declare readonly data: unknown;
  declare readonly details: readonly unknown[];

  constructor(
    code: string,
    message: string,
    data?: unknown,
    details: readonly unknown[] = [],
    more?: object,
  ) {
    super(message);
    Object.assign(this, { name: "RequestError", code, data, details, ...more });
  }
}

/** Refuse what neither codec can carry without loss: maps, sets, instances of classes. */
function plain(value: object): object {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null && !Array.isArray(value)) {
    const name = prototype.constructor?.name ?? "an object";
    throw new TypeError(`${name} cannot be sent: payloads hold objects, arrays and scalars`);
  }
  return value;
}

function toJson(message: unknown): string {
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
function amount(name: string, value: any): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new RangeError(`${name} must be a number from 0 on, not ${String(value)}`);
}

/** Check the milliseconds of an option; 0 is off, as infinity is. */
function time(name: string, value: any): number {
  const given = amount(name, value);
  return given === Infinity ? given : Math.min(given, longest) || Infinity;
}

/** Whether a server that closes with this code first does not want the client back. */
const isFinal = (code: number): boolean =>
  code === 4003 || code === 4010 || (code >= 4400 && code < 4500);

/** What listeners of a room's end are kept under: no event has this name. */
const leftKey: any = Symbol("left");
/* present */

/** What listeners of a room's presence are kept under. */
const presentKey: any = Symbol("presence");
/* end */

/** Milliseconds for any frame after a ping that asks whether the server is still there. */
const probeTime = 2_000;

/** Bytes on their way out above which the network is behind: what may be lost is not sent. */
const volatileLimit = 16_384;

/** A promise with its handles outside, which may be rejected without anybody looking. */
function deferred(): $Deferred {
  const self = { settled: false } as $Deferred;
  self.promise = new Promise<void>((resolve, reject) => {
    const settler = (settle: (value: any) => void) => (value?: unknown) => {
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
function createListeners(failed: (error: unknown, event: $Name) => void): $Listeners {
  const table = new Map<$Name, { listener: $Listener; kind: string }[]>();
  const remove = (
    event: $Name,
    gone: (entry: { listener: $Listener; kind: string }) => boolean,
  ): void => {
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
        if (!(table.get(event) as any)?.includes(entry)) continue;
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
const defined = (key: string, value: unknown): object =>
  value === undefined ? {} : { [key]: value };

/** The error context of any server, ours or not, in one shape (`error` may be a list or a text). */
function explain(context: any): any {
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

function toError(context: unknown): $RequestError {
  const { code, message, data, details } = explain(context);
  return new $RequestError(code, message, data, details);
}

function resolveUrl(
  contract: $Contract,
  address: string | URL | undefined,
  options: $Options,
): string {
  const page: string | undefined = (globalThis as any).location?.href;
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
  const added = (Object as any)
    .entries({ ...options.params, ...own })
    .map((pair: any) => pair.map(encodeURIComponent));
  const kept = url.search
    .slice(1)
    .split("&")
    .filter((each) => each && !added.some(([key]: any) => key === each.split("=")[0]));
  url.search = [...kept, ...added.map((pair: any) => pair.join("="))].join("&");
  return url.href;
}

function createClient(contract: $Contract, first?: unknown, second?: unknown): object {
  const addressed = typeof first === "string" || first instanceof URL;
  const options = ((addressed ? second : (second ?? first)) ?? {}) as $Options;
  const queueSize = amount("queueSize", options.queueSize ?? 100);
  const timeOf = (group: "reconnect" | "heartbeat" | "timeouts", key: string, standard: number) =>
    time(`${group}.${key}`, (options as any)[group]?.[key] ?? standard);
  const least = timeOf("reconnect", "min", 250);
  const most = timeOf("reconnect", "max", 15_000);
  const pingEvery = timeOf("heartbeat", "interval", 25_000);
  const pongIn = timeOf("heartbeat", "timeout", 20_000);
  const openIn = timeOf("timeouts", "connect", 20_000);
  const replyIn = timeOf("timeouts", "request", 10_000);
  const url = resolveUrl(contract, addressed ? first : undefined, options);
  let codec = options.codec ?? contract.codec;
  /* unpacked */
  // Whatever was asked for: there is no other.
  codec = "json";
  /* end */
  const WebSocketClass: $Options["WebSocket"] = options.WebSocket ?? (globalThis as any).WebSocket;
  if (!WebSocketClass) {
    throw new Error(
      'No WebSocket here (Node has one since 22): connect(url, { WebSocket })',
    );
  }

  const rooms = new Map<string, $Room>();
  const pending = new Map<number, $Pending>();
  const iterators = new Set<() => void>();
  const timers: { [name: string]: ReturnType<typeof setTimeout> } = {};
  let state = "connecting";
  let socket: $Socket | undefined;
  let ready = deferred();
  let doubtful: $Queued[] = [];
  let queue: $Queued[] = [];
  /** Joins without an answer, by room: the answer to the last one counts. */
  let asked = new Map<string, number>();
  let attempts = 0;
  let openedAt = 0;
  let lastId = 0;
  /** Whether somebody waits for `ready`. */
  let awaited = false;
  /** Whether the browser was offline, and the server has said nothing since. */
  let held = false;
  /** For which the client does not come back. */
  let ended: $RequestError | undefined;

  const report = (problem: any): void => {
    if (!hooks.fire("error", problem)) console.error("bytesocket:", problem.message, problem);
  };
  const problem = (phase: string, code: string, message: unknown, more?: object): any => {
    return { phase, code, message: String(message), ...more, details: [] };
  };
  const listenerFailed = (error: unknown, event: $Name): void =>
    report(problem("listener", "internal", error, { event, error }));
  // A hook that fails is not told to the hooks: it could fail for ever.
  const hooks = createListeners((error) => console.error("bytesocket:", error));
  const listeners = createListeners(listenerFailed);

  const setState = (next: string, ending?: object): void => {
    if (state === next) return;
    state = next;
    hooks.fire("state", next, ending);
  };
  const clear = (name: string): void => {
    clearTimeout(timers[name]);
    delete timers[name];
  };
  const timer = (name: string, milliseconds: number, run: () => void): void => {
    clear(name);
    if (milliseconds === Infinity) return;
    timers[name] = setTimeout(() => {
      clear(name);
      run();
    }, milliseconds);
  };
  const disconnected = (): $RequestError =>
    ended ?? new $RequestError("disconnected", "The connection ended first");
  const encode = (message: object): string | Uint8Array => {
    /* packed */
    if (codec !== "json") return pack(message);
    /* end */
    return toJson(message);
  };
  /** The data of an event, or the credentials, as the codec in use carries them. */
  const written = (event: $Name | undefined, data: unknown, place?: string): unknown =>
    codec === "json" && contract.toText ? contract.toText(event, data, place) : data;
  const isLosable = (event: $Name): boolean => (contract.volatile as any).includes(event);
  const isOpen = (): boolean => state === "open" && socket?.readyState === 1;
  const isSending = (): boolean => isOpen() && !held;

  // ---- out

  const place = (room?: string | string[]): object =>
    defined(Array.isArray(room) ? "rooms" : "room", room);
  const dropped = ({ event, data, room }: $Queued, reason: string): void => {
    hooks.fire("dropped", { event, data, ...place(room), reason });
  };
  /* paced */
  const take = (event: $Name, room: string | string[] = "", losable?: boolean): number => {
    const names = ([] as string[]).concat(room);
    const pattern = rooms.get(names[0] as string)?.pattern ?? "";
    return contract.pacing.take(pattern, event, losable, names.length);
  };
  /* end */
  /** Remember an event that was sent before the server let the client in. */
  const doubt = (message: $Queued): void => {
    if (!ready.settled && !message.id && doubtful.length < queueSize) doubtful.push(message);
  };
  /** Send what waits, as far as it may go. */
  const sendQueued = (): void => {
    /* paced */
    clear("flush");
    /* end */
    for (let next: $Queued | undefined; isSending() && (next = queue[0]);) {
      /* paced */
      const wait = take(next.event, next.room);
      if (wait > 0) return timer("flush", Math.min(wait, longest), sendQueued);
      /* end */
      queue.shift();
      socket?.send(next.frame);
      doubt(next);
      const call = pending.get(next.id ?? 0);
      if (call) call.sent = true;
    }
  };
  /* paced */
  const heed = ({ type, id, data }: any): void => {
    if (type !== 3 && type !== 33) return;
    const { code, event = pending.get(id)?.event, room, data: more } = explain(data);
    if (code === "rate_limited")
      contract.pacing.empty(rooms.get(room)?.pattern ?? "", event, more?.retry_after * 1000);
  };
  /* end */
  const dropQueued = (
    reason: string,
    gone: (message: $Queued) => boolean,
    error = disconnected(),
  ): void => {
    const lost = queue.filter(gone);
    queue = queue.filter((message) => !gone(message));
    /* paced */
    sendQueued();
    /* end */
    for (const message of lost) {
      dropped(message, reason);
      pending.get(message.id ?? 0)?.finish(error);
    }
  };
  const transmit = (
    event: $Name,
    data: unknown,
    room?: string | string[],
    id?: number,
  ): string => {
    const frame = encode({ ...place(room), event, data: written(event, data), ...(id && { id }) });
    const message = { frame, event, data, room, id };
    const isVolatile = isLosable(event);
    /* paced */
    sendQueued();
    const isDue = (): boolean => !queue.length && !take(event, room, isVolatile && !id);
    /* end */
    if (socket && isSending() /* paced */ && isDue() /* end */) {
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
    /* paced */
    if (isOpen() && !timers["flush"]) timer("flush", 0, sendQueued);
    /* end */
    return "queued";
  };
  const emit = (event: $Name, data: unknown = {}, room?: string | string[]): string =>
    transmit(event, data, room);
  const request = (
    event: $Name,
    values: unknown[],
    reply: string,
    room?: string,
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const [data, settings = {}] = (contract.empty as any).includes(event) ? [{}, ...values] : values;
      const { signal, timeoutMs = replyIn } = settings as $RequestOptions;
      const within = time("timeoutMs", timeoutMs);
      signal?.throwIfAborted();
      const id = ++lastId;
      const sent = transmit(event, data, room, id);
      if (sent === "dropped") {
        const full = isSending() || (state !== "closed" && !isLosable(event));
        return reject(full ? new $RequestError("dropped", "The queue is full") : disconnected());
      }
      const finish = (error: unknown, value?: unknown): void => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", abort);
        pending.delete(id);
        queue = queue.filter((message) => message.id !== id);
        /* paced */
        sendQueued();
        /* end */
        if (error === undefined) resolve(value);
        else reject(error);
      };
      const abort = (): void => finish(signal?.reason);
      const late = (): void =>
        finish(new $RequestError("timeout", `No reply to ${event} in ${within} ms`));
      const deadline = within < Infinity ? setTimeout(late, within) : undefined;
      signal?.addEventListener("abort", abort);
      pending.set(id, { sent: sent === "sent", reply, event, finish });
    });

  // ---- rooms

  const askToJoin = (room: $Room): void => {
    if (room.ready.settled) room.ready = deferred();
    asked.set(room.name, (asked.get(room.name) ?? 0) + 1);
    const message = { type: 9, room: room.name };
    /* present */
    if (room.present) Object.assign(message, { presence: true });
    /* end */
    socket?.send(encode(message));
  };
  const joinAnswered = (name: string, refused?: object): void => {
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
  const removed = ({ room: name, code, message }: any): void => {
    const room = rooms.get(name);
    if (!room || asked.get(name)) return;
    const why = new $RequestError(String(code ?? "removed"), String(message ?? "Removed"));
    const handles = [...room.handles];
    for (const [, end] of handles) end(why);
    for (const [heard] of handles) heard.fire(leftKey, { code: why.code, message: why.message });
    /* present */
    tellPresence(room, handles, nobody);
    /* end */
  };
  /* present */
  const tellPresence = (
    room: $Room,
    handles: Iterable<readonly [$Listeners, unknown]>,
    told: unknown,
    text = false,
  ): void => {
    const change = room.present?.take(told, text);
    if (change) for (const [heard] of [...handles]) heard.fire(presentKey, change);
  };
  /** What comes before the answer to a join is about a membership of before. */
  const presenceTold = ({ room: name, data }: any, text: boolean): void => {
    const room = rooms.get(name);
    if (room?.joined) tellPresence(room, room.handles, data, text);
  };
  const createPresentIn = (name: string, pattern: string): $Present | undefined => {
    if (!(contract.presence as any).includes(pattern)) return undefined;
    const change = (changes: object): string => {
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
  /* end */
  const join = (pattern: string, params: any = {}): object => {
    /* numbered */
    for (const [key, value] of (Object as any).entries(params))
      if (typeof value === "number" && !Number.isSafeInteger(value))
        throw new RangeError(`${key} of ${pattern} cannot be ${value}: it is no safe integer`);
    /* end */
    const name = pattern.replace(/\{([^{}]+)\}/g, (_, key) => String(params[key]));
    const known = rooms.get(name);
    const room: $Room = known ?? {
      name,
      /* paced */
      pattern,
      /* end */
      joined: false,
      ready: deferred(),
      handles: new Map(),
    };
    /* present */
    if (!room.present) room.present = createPresentIn(name, pattern);
    /* end */
    const heard = createListeners(listenerFailed);
    const ends = new Set<() => void>();
    let gone: $RequestError | undefined;
    /** End this handle; true if it was the room's last. */
    const end = (error: $RequestError): boolean => {
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
    const leave = (): void => {
      if (gone) return;
      heard.clear();
      if (!end(disconnected())) return;
      /* present */
      room.present?.take(nobody, false);
      /* end */
      if (isOpen()) socket?.send(encode({ type: 12, room: name }));
    };
    return disposable(leave, {
      name,
      get ready() {
        return room.ready.promise;
      },
      ...verbs(heard, ends),
      emit: (event: $Name, data?: unknown) => (gone ? "dropped" : emit(event, data, name)),
      request: (event: $Name, ...values: unknown[]) =>
        gone ? Promise.reject(gone) : request(event, values, pattern, name),
      onLeft: (listener: $Listener) => heard.on(leftKey, listener),
      /* present */
      ...(room.present && {
        presence: room.present.users,
        onPresence: (listener: $Listener) => heard.on(presentKey, listener),
      }),
      /* end */
      leave,
    });
  };

  // ---- in

  const read = (
    text: boolean,
    event: $Name | undefined,
    data: unknown,
    place?: string | null,
  ): unknown => (text && contract.fromText ? contract.fromText(event, data, place) : data);
  const deliver = (message: any, text: boolean): void => {
    const { event, room, rooms: names } = message;
    if (typeof event !== "string" && typeof event !== "number") return;
    const data = read(text, event, message.data);
    const many = Array.isArray(names);
    for (const name of new Set<string>(many ? names : [room])) {
      for (const heard of [...(rooms.get(name)?.handles.keys() ?? [])])
        heard.fire(event, data, { room: name });
    }
    listeners.fire(event, data, many ? { rooms: names } : typeof room === "string" ? { room } : {});
  };
  const answered = ({ type, id, data }: any, text: boolean): void => {
    const call = pending.get(id);
    if (type === 33) call?.finish(toError(data));
    else call?.finish(undefined, read(text, call.event, data, call.reply));
  };
  const accept = (message: any, text: boolean): void => {
    /* paced */
    heed(message);
    /* end */
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
      /* present */
      case 36:
        return presenceTold(message, text);
      /* end */
      case 38:
        return removed(message);
    }
    deliver(message, text);
  };
  const decode = (raw: any): any => {
    /* packed */
    if (typeof raw !== "string") return unpack(new Uint8Array(raw));
    /* end */
    return JSON.parse(raw);
  };
  const received = (raw: string | ArrayBuffer): void => {
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

  const dial = (): void => {
    Object.keys(timers).forEach(clear);
    doubtful = [];
    setState("connecting");
    if (state === "closed") return;
    let current: $Socket;
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
  const opened = (): void => {
    clear("connect");
    openedAt = Date.now();
    state = "open";
    for (const room of rooms.values()) askToJoin(room);
    /* paced */
    contract.pacing.opened();
    /* end */
    resume();
    beat();
    hooks.fire("state", state);
  };
  /** Send a ping; without any frame in time the connection is given up. */
  const ping = (deadline: string, within: number): void => {
    if (timers[deadline] || !isOpen()) return;
    socket?.send(new Uint8Array(0));
    timer(deadline, within, () => lost("Pong timeout", 4003));
  };
  const beat = (): void =>
    timer("ping", pingEvery, () => {
      beat();
      ping("pong", pongIn);
    });
  /** Without credentials nothing but the server's first frame tells that it lets the client in. */
  const askWhetherIn = (): void => {
    if (state !== "open" || ready.settled || timers["heard"]) return;
    if (pingEvery < Infinity) ping("pong", pongIn);
    timer("heard", probeTime, ready.resolve);
  };
  /** Let go of the socket; nothing it says later counts. */
  const release = (code = 1000, reason = ""): void => {
    const gone = socket;
    socket = undefined;
    Object.keys(timers).forEach(clear);
    if (!gone) return;
    gone.onopen = gone.onmessage = gone.onclose = null;
    gone.onerror = () => {};
    if (gone.readyState < 2) gone.close(code, reason);
  };
  const turnedAway = (code: number, reason: string, error: $RequestError, told: object): void => {
    // Before anybody is told, as listeners may close the client.
    ended = error;
    const lost = ready.settled ? [] : doubtful;
    report(told);
    for (const message of lost) dropped(message, "refused");
    stop(code, reason, error);
  };
  const closed = (code: number, reason: string): void => {
    const why = `closed with ${code} ${reason}`;
    if (!isFinal(code)) return lost(why, undefined, { code, reason });
    const ending = { closeCode: code, closeReason: reason };
    const error = new $RequestError("disconnected", why, undefined, [], ending);
    turnedAway(code, reason, error, problem("network", error.code, why));
  };
  const lost = (why: string, code?: number, ending?: object): void => {
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
  const stop = (code: number, reason: string, error: $RequestError): void => {
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

  const resume = (): void => {
    held = false;
    sendQueued();
  };
  const probe = (): void => ping("probe", probeTime);
  const check = (): void => (state === "waiting" ? dial() : probe());
  const online = (): void => {
    ["offline", "probe"].forEach(clear);
    check();
  };
  /** Keep messages back; a connection that goes on all the same, as on one machine, is used. */
  const offline = (): void => {
    if (!isOpen()) return;
    held = true;
    probe();
    timer("offline", probeTime, resume);
  };
  const visible = (): void => {
    if ((globalThis as any).document?.visibilityState === "visible") check();
  };
  const watch = (verb: "add" | "remove"): void => {
    const page = globalThis as any;
    const call = `${verb}EventListener`;
    page[call]?.("online", online);
    page[call]?.("offline", offline);
    page.document?.[call]?.("visibilitychange", visible);
  };
  const close = (): void => stop(1000, "normal", disconnected());

  // ---- what both handles offer

  const verbs = (heard: $Listeners, ends: Set<() => void>): object => ({
    on: (event: $Name, listener: $Listener) => heard.on(event, listener),
    once: (event: $Name, listener: $Listener) => heard.on(event, listener, "once"),
    off: heard.off,
    events: (event: $Name, { signal }: { signal?: AbortSignal } = {}) => {
      const arrived: unknown[] = [];
      let more = deferred();
      let done = false;
      const wake = (): void => {
        more.resolve();
        more = deferred();
      };
      const hear = (value: unknown): void => {
        arrived.push(value);
        wake();
      };
      const off = heard.on(event, hear, "inner");
      const end = (): void => {
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
  const disposable = (end: () => void, handle: any): object => {
    const { dispose, asyncDispose } = Symbol as { dispose?: symbol; asyncDispose?: symbol };
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
    emit: (event: $Name, data?: unknown) => emit(event, data),
    request: (event: $Name, ...values: unknown[]) => request(event, values, ""),
    join,
    emitRooms: (handles: { name: string }[], event: $Name, data?: unknown) => {
      const names = [...new Set(handles.map(({ name }) => name))].filter((name) => rooms.has(name));
      return names.length ? emit(event, data, names) : "dropped";
    },
    onState: (listener: $Listener) => hooks.on("state", listener),
    onError: (listener: $Listener) => hooks.on("error", listener),
    onDropped: (listener: $Listener) => hooks.on("dropped", listener),
    close,
  });
}
