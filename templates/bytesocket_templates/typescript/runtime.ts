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
   */
  toText?: (event: $Name | undefined, data: unknown) => unknown;
  fromText?: (event: $Name, data: unknown, place?: string | null) => unknown;
  /* paced */
  pacing: $Pacing;
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
}

interface $Room {
  name: string;
  /* paced */
  pattern: string;
  /* end */
  joined: boolean;
  ready: $Deferred;
  handles: Set<$Listeners>;
}

interface $Queued {
  frame: string | Uint8Array;
  event: $Name;
  data: unknown;
  room: string | undefined;
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

  constructor(code: string, message: string, data?: unknown, details: readonly unknown[] = []) {
    super(message);
    Object.assign(this, { name: "RequestError", code, data, details });
  }
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

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

/** Bytes on their way out above which the network is behind: what may be lost is not sent. */
const volatileLimit = 16_384;

/** Where messages are written before they are copied out; a large one makes its own. */
let scratch = new Uint8Array(1024);

/** Write MessagePack. msgpackr peers misread 64 to 127 in one byte, and integers in eight. */
function pack(message: unknown): Uint8Array {
  let bytes = scratch;
  let view = new DataView(bytes.buffer);
  let end = 0;
  const claim = (size: number): number => {
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
  const head = (tag: number, width: number, value: number): void => {
    const at = claim(1 + width);
    view.setUint8(at, tag);
    if (width === 1) view.setUint8(at + 1, value);
    if (width === 2) view.setUint16(at + 1, value);
    if (width === 4) view.setUint32(at + 1, value);
  };
  const sized = (
    length: number,
    fixed: number,
    limit: number,
    tag8: number,
    tag16: number,
  ): void => {
    if (length < limit) head(fixed | length, 0, 0);
    else if (length < 256 && tag8) head(tag8, 1, length);
    else if (length < 65536) head(tag16, 2, length);
    else head(tag16 + 1, 4, length);
  };
  const raw = (part: Uint8Array): void => {
    const at = claim(part.length);
    bytes.set(part, at);
  };
  const number = (value: number): void => {
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
  const bigint = (value: bigint): void => {
    if (Number.isSafeInteger(Number(value))) return number(Number(value));
    const at = claim(9);
    const kind = value < 0 ? "BigInt64" : "BigUint64";
    view.setUint8(at, value < 0 ? 0xd3 : 0xcf);
    (view as any)[`set${kind}`](at + 1, value);
    if ((view as any)[`get${kind}`](at + 1) !== value) {
      throw new RangeError("An integer beyond 64 bits cannot be sent");
    }
  };
  const string = (value: string): void => {
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
  const object = (value: any): void => {
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
  const write = (value: unknown): void => {
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
function unpack(bytes: Uint8Array): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const skip = (size: number): number => {
    at += size;
    if (at > bytes.length) throw new RangeError("The message ends too early");
    return at - size;
  };
  const uint = (width: number): number =>
    width === 1
      ? view.getUint8(skip(1))
      : width === 2
        ? view.getUint16(skip(2))
        : view.getUint32(skip(4));
  const blob = (size: number): Uint8Array => bytes.slice(skip(size), at);
  const text = (size: number): string => fromUtf8.decode(bytes.subarray(skip(size), at));
  const list = (size: number): unknown[] => {
    const items: unknown[] = [];
    while (size-- > 0) items.push(read());
    return items;
  };
  const map = (size: number): object => {
    const result: { [key: string]: unknown } = {};
    while (size-- > 0) {
      const key = String(read());
      const value = read();
      // An assignment to __proto__ would lose the value.
      if (key === "__proto__") Object.defineProperty(result, key, { value, enumerable: true });
      else result[key] = value;
    }
    return result;
  };
  const read = (): unknown => {
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
    throw new RangeError(`Unknown MessagePack tag ${tag}`);
  };
  const value = read();
  if (at !== bytes.length) throw new RangeError("The message goes on after its end");
  return value;
}

/** A promise with its handles outside, which may be rejected without anybody looking. */
function deferred(): $Deferred {
  const self = { settled: false } as $Deferred;
  self.promise = new Promise<void>((resolve, reject) => {
    self.resolve = () => {
      self.settled = true;
      resolve();
    };
    self.reject = (error) => {
      self.settled = true;
      reject(error);
    };
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
        if (!(table.get(event) as any).includes(entry)) continue;
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
  };
}

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
    ...(error?.data !== undefined && { data: error.data }),
    ...(context?.event !== undefined && { event: context.event }),
    ...(context?.room !== undefined && { room: context.room }),
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
  url.protocol = url.protocol.replace("http", "ws");
  if (!/^wss?:$/.test(url.protocol)) throw new Error(`${url} is no ws or http URL`);
  url.hash = "";
  const heartbeat = options.heartbeat?.interval;
  const own = { contract: contract.fingerprint, ...(heartbeat && { heartbeat }) };
  for (const [key, value] of (Object as any).entries({ ...options.params, ...own }))
    url.searchParams.set(key, String(value));
  return url.href;
}

function createClient(contract: $Contract, first?: unknown, second?: unknown): object {
  const addressed = typeof first === "string" || first instanceof URL;
  const options = ((addressed ? second : (second ?? first)) ?? {}) as $Options;
  const url = resolveUrl(contract, addressed ? first : undefined, options);
  const codec = options.codec ?? contract.codec;
  const WebSocketClass: $Options["WebSocket"] = options.WebSocket ?? (globalThis as any).WebSocket;
  if (!WebSocketClass) {
    throw new Error(
      'No WebSocket here (Node has one since 22): connect(url, { WebSocket }), as of the package "ws"',
    );
  }

  const rooms = new Map<string, $Room>();
  const pending = new Map<number, $Pending>();
  const iterators = new Set<() => void>();
  const timers: { [name: string]: ReturnType<typeof setTimeout> } = {};
  let state = "connecting";
  let socket: $Socket | undefined;
  let ready = deferred();
  let queue: $Queued[] = [];
  /** Joins without an answer, by room: the answer to the last one counts. */
  let asked = new Map<string, number>();
  let attempts = 0;
  let openedAt = 0;
  let lastId = 0;

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

  const setState = (next: string): void => {
    if (state === next) return;
    state = next;
    hooks.fire("state", next);
  };
  const clear = (name: string): void => {
    clearTimeout(timers[name]);
    delete timers[name];
  };
  const timer = (name: string, milliseconds: number, run: () => void): void => {
    clear(name);
    timers[name] = setTimeout(() => {
      clear(name);
      run();
    }, milliseconds);
  };
  const disconnected = (): $RequestError =>
    new $RequestError("disconnected", "The connection ended first");
  const encode = (message: object): string | Uint8Array =>
    codec === "json" ? toJson(message) : pack(message);
  /** The data of an event, or the credentials, as the codec in use carries them. */
  const written = (event: $Name | undefined, data: unknown): unknown =>
    codec === "json" && contract.toText ? contract.toText(event, data) : data;
  const isLosable = (event: $Name): boolean => (contract.volatile as any).includes(event);
  const isOpen = (): boolean => state === "open" && socket?.readyState === 1;

  // ---- out

  const dropped = ({ event, data, room }: $Queued, reason: string): void => {
    hooks.fire("dropped", { event, data, ...(room !== undefined && { room }), reason });
  };
  /* paced */
  const take = (event: $Name, room?: string, losable?: boolean): number =>
    contract.pacing.take(rooms.get(room ?? "")?.pattern ?? "", event, losable);
  /** Send what waits, up to the first message whose turn has not come. */
  const flush = (): void => {
    clear("pace");
    for (let next: $Queued | undefined; isOpen() && (next = queue[0]);) {
      const wait = take(next.event, next.room);
      if (wait > 0) return timer("pace", Math.min(wait, 2 ** 30), flush);
      queue.shift();
      socket?.send(next.frame);
      const call = pending.get(next.id ?? 0);
      if (call) call.sent = true;
    }
  };
  const heed = ({ type, id, data }: any): void => {
    if (type !== 3 && type !== 33) return;
    const { code, event = pending.get(id)?.event, room, data: more } = explain(data);
    if (code === "rate_limited")
      contract.pacing.empty(rooms.get(room)?.pattern ?? "", event, more?.retry_after * 1000);
  };
  /* end */
  const dropQueued = (reason: string, gone: (message: $Queued) => boolean): void => {
    const lost = queue.filter(gone);
    queue = queue.filter((message) => !gone(message));
    /* paced */
    flush();
    /* end */
    for (const message of lost) {
      dropped(message, reason);
      pending.get(message.id ?? 0)?.finish(disconnected());
    }
  };
  const transmit = (event: $Name, data: unknown, room?: string, id?: number): string => {
    const frame = encode({
      ...(room !== undefined && { room }),
      event,
      data: written(event, data),
      ...(id && { id }),
    });
    const isVolatile = isLosable(event);
    /* paced */
    flush();
    const isDue = (): boolean => !queue.length && !take(event, room, isVolatile && !id);
    /* end */
    if (socket && isOpen() /* paced */ && isDue() /* end */) {
      if (isVolatile && socket.bufferedAmount > volatileLimit) return "dropped";
      socket.send(frame);
      return "sent";
    }
    if (state === "closed" || isVolatile) return "dropped";
    const message = { frame, event, data, room, id };
    if (queue.length >= (options.queueSize ?? 100)) {
      dropped(message, "full");
      return "dropped";
    }
    queue.push(message);
    /* paced */
    if (isOpen() && !timers["pace"]) timer("pace", 0, flush);
    /* end */
    return "queued";
  };
  const emit = (event: $Name, data: unknown = {}, room?: string): string =>
    transmit(event, data, room);
  const request = (
    event: $Name,
    values: unknown[],
    reply: string,
    room?: string,
  ): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const [data, settings = {}] = (contract.empty as any).includes(event) ? [{}, ...values] : values;
      const { signal, timeoutMs = options.timeouts?.request ?? 10_000 } =
        settings as $RequestOptions;
      signal?.throwIfAborted();
      const id = ++lastId;
      const sent = transmit(event, data, room, id);
      if (sent === "dropped") {
        const full = isOpen() || (state !== "closed" && !isLosable(event));
        return reject(full ? new $RequestError("dropped", "The queue is full") : disconnected());
      }
      const finish = (error: unknown, value?: unknown): void => {
        clearTimeout(deadline);
        signal?.removeEventListener("abort", abort);
        pending.delete(id);
        queue = queue.filter((message) => message.id !== id);
        /* paced */
        flush();
        /* end */
        if (error === undefined) resolve(value);
        else reject(error);
      };
      const abort = (): void => finish(signal?.reason);
      const late = (): void =>
        finish(new $RequestError("timeout", `No reply to ${event} in ${timeoutMs} ms`));
      const deadline = timeoutMs < 2 ** 31 ? setTimeout(late, timeoutMs) : undefined;
      signal?.addEventListener("abort", abort);
      pending.set(id, { sent: sent === "sent", reply, event, finish });
    });

  // ---- rooms

  const askToJoin = (room: $Room): void => {
    if (room.ready.settled) room.ready = deferred();
    asked.set(room.name, (asked.get(room.name) ?? 0) + 1);
    socket?.send(encode({ type: 9, room: room.name }));
  };
  const joinAnswered = (name: string, refused?: object): void => {
    const open = (asked.get(name) ?? 1) - 1;
    asked.set(name, open);
    const room = rooms.get(name);
    if (!room || open > 0) return;
    room.joined = !refused;
    if (!refused) return room.ready.resolve();
    room.ready.reject(toError(refused));
    report({ ...explain(refused), room: name });
  };
  const join = (pattern: string, params: any = {}): object => {
    /* numbered */
    for (const [key, value] of (Object as any).entries(params))
      if (typeof value === "number" && !Number.isSafeInteger(value))
        throw new RangeError(`${key} of ${pattern} cannot be ${value}: it is no safe integer`);
    /* end */
    const name = pattern.replace(/\{([^{}]+)\}/g, (_, key) => String(params[key]));
    const room = rooms.get(name) ?? {
      name,
      /* paced */
      pattern,
      /* end */
      joined: false,
      ready: deferred(),
      handles: new Set<$Listeners>(),
    };
    const heard = createListeners(listenerFailed);
    const ends = new Set<() => void>();
    let left = false;
    rooms.set(name, room);
    room.handles.add(heard);
    if (state === "closed") room.ready.reject(disconnected());
    if (isOpen() && !room.joined && !asked.get(name)) askToJoin(room);
    const leave = (): void => {
      if (left) return;
      left = true;
      room.handles.delete(heard);
      for (const end of ends) end();
      if (room.handles.size > 0 || rooms.get(name) !== room) return;
      rooms.delete(name);
      room.ready.reject(disconnected());
      dropQueued("left", (message) => message.room === name);
      if (isOpen()) socket?.send(encode({ type: 12, room: name }));
    };
    return disposable(leave, {
      name,
      get ready() {
        return room.ready.promise;
      },
      ...verbs(heard, ends),
      emit: (event: $Name, data?: unknown) => (left ? "dropped" : emit(event, data, name)),
      request: (event: $Name, ...values: unknown[]) =>
        left ? Promise.reject(disconnected()) : request(event, values, pattern, name),
      leave,
    });
  };

  // ---- in

  const read = (text: boolean, event: $Name, data: unknown, place?: string | null): unknown =>
    text && contract.fromText ? contract.fromText(event, data, place) : data;
  const deliver = (message: any, text: boolean): void => {
    const { event, room, rooms: names } = message;
    if (typeof event !== "string" && typeof event !== "number") return;
    const data = read(text, event, message.data);
    const many = Array.isArray(names);
    for (const name of new Set<string>(many ? names : [room])) {
      for (const heard of [...(rooms.get(name)?.handles ?? [])])
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
        report(explain(data));
        return stop(4001, "Authentication failed", toError(data));
      case 10:
        return joinAnswered(message.room);
      case 11:
        return joinAnswered(message.room, data ?? {});
      case 32:
      case 33:
        return answered(message, text);
    }
    deliver(message, text);
  };
  const received = (raw: string | ArrayBuffer): void => {
    const text = typeof raw === "string";
    if (!text && raw.byteLength === 0) {
      return clear("pong");
    }
    try {
      const message: any = text ? JSON.parse(raw) : unpack(new Uint8Array(raw));
      if (typeof message === "object" && message !== null) accept(message, text);
    } catch (error) {
      report(problem("decode", "invalid", `A message cannot be read: ${error}`, { error }));
    }
  };

  // ---- the connection

  const dial = (): void => {
    Object.keys(timers).forEach(clear);
    setState("connecting");
    if (state === "closed") return;
    const current = new WebSocketClass(url, [
      codec === "json" ? "bytesocket.json" : "bytesocket.binary",
    ]);
    const { auth } = options;
    const credentials =
      auth === undefined ? undefined : (async () => (typeof auth === "function" ? auth() : auth))();
    credentials?.catch(() => {});
    socket = current;
    current.binaryType = "arraybuffer";
    timer("connect", options.timeouts?.connect ?? 20_000, () => lost("No answer in time", 4002));
    current.onmessage = (event) => received(event.data);
    current.onclose = (event) => lost(`closed with ${event?.code} ${event?.reason ?? ""}`);
    // Node before 24 tells a failed dial by an error only, never by a close.
    current.onerror = (event) => lost(event?.message || "the connection failed");
    current.onopen = async () => {
      if (!credentials) return opened();
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
    flush();
    /* end */
    /* unpaced */
    for (const { frame, id } of queue) {
      socket?.send(frame);
      const call = pending.get(id ?? 0);
      if (call) call.sent = true;
    }
    queue = [];
    /* end */
    heartbeat();
    ready.resolve();
    hooks.fire("state", state);
  };
  const heartbeat = (): void =>
    timer("ping", options.heartbeat?.interval ?? 25_000, () => {
      heartbeat();
      if (timers["pong"]) return;
      socket?.send(new Uint8Array(0));
      timer("pong", options.heartbeat?.timeout ?? 20_000, () => lost("Pong timeout", 4003));
    });
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
  const lost = (why: string, code?: number): void => {
    const wasOpen = state === "open";
    release(code, code ? why.slice(0, 40) : "");
    if (wasOpen && Date.now() - openedAt > 5_000) attempts = 0;
    if (ready.settled) ready = deferred();
    asked = new Map();
    for (const room of rooms.values()) {
      room.joined = false;
      if (room.ready.settled) room.ready = deferred();
    }
    const { min = 250, max = 15_000 } = options.reconnect ?? {};
    const first = attempts === 0;
    timer("dial", Math.random() * Math.min(max, min * 2 ** attempts++), dial);
    setState("waiting");
    for (const call of [...pending.values()]) if (call.sent) call.finish(disconnected());
    const message = `${url.split("?")[0]}: ${why}`;
    if (!hooks.fire("error", problem("network", "disconnected", message)) && first && !wasOpen)
      console.error("bytesocket:", message);
  };
  const stop = (code: number, reason: string, error: unknown): void => {
    if (state === "closed") return;
    release(code, reason);
    (globalThis as any).removeEventListener?.("online", online);
    setState("closed");
    if (ready.settled) ready = deferred();
    ready.reject(error);
    for (const room of rooms.values()) room.ready.reject(error);
    for (const call of [...pending.values()]) call.finish(error);
    for (const end of iterators) end();
    dropQueued("closed", () => true);
  };
  const online = (): void => {
    if (state === "waiting") dial();
  };
  const close = (): void => stop(1000, "normal", disconnected());

  // ---- what both handles offer

  const verbs = (heard: $Listeners, ends: Set<() => void>): object => ({
    on: (event: $Name, listener: $Listener) => heard.on(event, listener),
    once: (event: $Name, listener: $Listener) => heard.on(event, listener, "once"),
    off: heard.off,
    events: (event: $Name, { signal }: { signal?: AbortSignal } = {}) => {
      const arrived: unknown[] = [];
      const waiting: ((result: object) => void)[] = [];
      let done = state === "closed" || signal?.aborted === true;
      const off = heard.on(
        event,
        (value) => {
          const next = waiting.shift();
          if (next) next({ value, done: false });
          else arrived.push(value);
        },
        "inner",
      );
      const end = (): void => {
        done = true;
        off();
        ends.delete(end);
        signal?.removeEventListener("abort", end);
        for (const next of waiting.splice(0)) next({ value: undefined, done });
      };
      if (done) end();
      else ends.add(end);
      signal?.addEventListener("abort", end);
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        next: () =>
          new Promise((resolve) => {
            if (arrived.length > 0) resolve({ value: arrived.shift(), done: false });
            else if (done) resolve({ value: undefined, done });
            else waiting.push(resolve);
          }),
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

  (globalThis as any).addEventListener?.("online", online);
  dial();
  return disposable(close, {
    get state() {
      return state;
    },
    get ready() {
      return ready.promise;
    },
    ...verbs(listeners, iterators),
    emit: (event: $Name, data?: unknown) => emit(event, data),
    request: (event: $Name, ...values: unknown[]) => request(event, values, ""),
    join,
    onState: (listener: $Listener) => hooks.on("state", listener),
    onError: (listener: $Listener) => hooks.on("error", listener),
    onDropped: (listener: $Listener) => hooks.on("dropped", listener),
    close,
  });
}
