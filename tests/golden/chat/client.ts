// bytesocket Chat 1.2.0 - contract 8f799435f62d552d - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Credentials {
  token: string;
}

export interface Move {
  x: number;
  y: number;
}

export interface Moved {
  user: string;
  x: number;
  y: number;
}

export interface Mute {
  seconds: number;
}

/** Ask the server to post a message. */
export interface Post {
  text: string;
  reply_to?: number | null;
}

export interface Posted {
  author: string;
  text: string;
}

export interface Reaction {
  emoji: string;
}

export interface Receipt {
  message_id: number;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  /**
   * Ask the server to post a message.
   *
   * May be refused with `muted`.
   */
  "chat:post": Post;
  "chat:reaction": Reaction;
  /** Volatile: dropped instead of queued. */
  "doc:move": Move;
}

/** What arrives, by event. */
export interface ServerEvents {
  "chat:posted": Posted;
  "chat:reaction": Reaction;
  /** Volatile: dropped instead of queued. */
  "doc:moved": Moved;
}

/** What a request outside of a room resolves to. */
export interface Replies {
  /** May be refused with `muted`. */
  "chat:post": Receipt;
}

/** The declared rooms. */
export interface Rooms {
  "doc:{doc_id}": {
    params: { doc_id: string };
    join: "client";
    sends: "doc:move";
    receives: "doc:moved";
    replies: Record<never, never>;
  };
  lobby: {
    params: Record<string, never>;
    join: "client";
    sends: "chat:reaction";
    receives: "chat:reaction";
    replies: Record<never, never>;
  };
  "user-feed": {
    params: Record<string, never>;
    join: "server";
    sends: never;
    receives: never;
    replies: Record<never, never>;
  };
}

/** The declared refusals' data, by code. */
export interface Refusals {
  /** The author may not write for a while. */
  muted: Mute;
}

// ---------------------------------------------------------------- the client's types

declare global {
  // Known here whatever `lib` says; the client only sets them where the platform has them.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/** An event that may be sent outside of a room. */
export type GlobalEvent = "chat:post";

/** A room that clients may join. */
export type JoinableRoom = "doc:{doc_id}" | "lobby";

/** `open` is the only state in which messages go out at once; `closed` is final. */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

/** `sent`: handed to the connection; `queued`: waits for one; `dropped`: will not be sent. */
export type EmitResult = "sent" | "queued" | "dropped";

/** What a server or this client may answer a request with, declared refusals included. */
export type ErrorCode =
  | keyof Refusals
  | "validation"
  | "internal"
  | "timeout"
  | "unknown_event"
  | "unknown_room"
  | "not_a_member"
  | "invalid"
  | "too_many_rooms"
  | "rate_limited"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "refused"
  | "disconnected"
  | "dropped";

/** One finding of the server's validation. */
export interface ValidationDetail {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** A {@link RequestError} with one code. */
export interface RequestFailure<Code extends ErrorCode> extends Error {
  readonly name: "RequestError";
  readonly code: Code;
  /** What the refusal carries. */
  readonly data: Code extends keyof Refusals ? Refusals[Code] : unknown;
  /** Filled when `code` is `validation`. */
  readonly details: readonly ValidationDetail[];
}

/** What a request or `ready` rejects with; comparing `code` narrows `data`. */
export type RequestError = { [Code in ErrorCode]: RequestFailure<Code> }[ErrorCode];

export interface RequestErrorConstructor {
  new (code: ErrorCode, message: string, data?: unknown): RequestError;
  readonly prototype: RequestError;
}

/** What went wrong outside of a request. */
export interface ErrorReport {
  /** Where: `network`, `decode`, `listener`, or the server's word such as `validation`. */
  readonly phase: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: readonly ValidationDetail[];
  readonly data?: unknown;
  readonly event?: string | number;
  readonly room?: string;
  /** What a listener threw. */
  readonly error?: unknown;
}

/** A message that was taken and will not be sent. */
export interface DroppedMessage {
  readonly event: string | number;
  readonly data: unknown;
  readonly room?: string;
  /** The queue is full, the room was left, or the client is closed. */
  readonly reason: "full" | "left" | "closed";
}

/** Where an event came through. */
export interface Arrival {
  readonly room?: string;
  readonly rooms?: readonly string[];
}

export type Listener<E extends keyof ServerEvents> = (
  data: ServerEvents[E],
  arrival: Arrival,
) => unknown;

export interface RequestOptions {
  /** Milliseconds until the request rejects with `timeout`; 10,000 unless told. */
  timeoutMs?: number;
  /** Gives the request up; it rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface ConnectOptions {
  /** Who this is. A function is called at every connect. */
  auth: Credentials | (() => Credentials | Promise<Credentials>);
  /** The wire format; the same types either way. `json` unless told; "msgpack" is "binary". */
  codec?: "json" | "binary" | "msgpack";
  /** Milliseconds between attempts: random, below `min` (250) doubled per attempt, at most `max` (15,000). */
  reconnect?: { min?: number; max?: number };
  /** A ping each `interval` (25,000 ms); without a pong in `timeout` (20,000 ms) the client reconnects. */
  heartbeat?: { interval?: number; timeout?: number };
  /** `connect` (20,000 ms) covers dialling and authentication, `request` (10,000 ms) each reply. */
  timeouts?: { connect?: number; request?: number };
  /** How many messages wait for a connection; 100 unless told. */
  queueSize?: number;
  /** Added to the URL's query. */
  params?: Record<string, string | number | boolean>;
  /** Another WebSocket class, for platforms without one. */
  WebSocket?: new (url: string, protocols: string[]) => any;
}

/** The payload as arguments: none for an empty one. */
export type $Payload<T> = [T] extends [Record<string, never>] ? [] : [data: T];
type $Part<T, K extends string> = K extends keyof T ? T[K] : never;

/** What a client and a room have in common. */
export interface $Subscriber {
  /** Call `listener` for each arrival; the answer removes it again. */
  on<E extends keyof ServerEvents>(event: E, listener: Listener<E>): () => void;
  /** Call `listener` for the next arrival only. */
  once<E extends keyof ServerEvents>(event: E, listener: Listener<E>): () => void;
  /** Remove `listener`, or every listener of the event. */
  off<E extends keyof ServerEvents>(event: E, listener?: Listener<E>): void;
  /** Iterate over arrivals from now on; ends with the signal, with `break`, and when the handle closes. */
  events<E extends keyof ServerEvents>(
    event: E,
    options?: { signal?: AbortSignal },
  ): AsyncIterableIterator<ServerEvents[E]>;
}

/** One handle of a room. It stays joined over reconnects until each handle has left. */
export interface RoomHandle<R extends keyof Rooms> extends $Subscriber {
  /** The room's name on the wire. */
  readonly name: string;
  /** Resolves once the server lets this client in; rejects when it refuses. */
  readonly ready: Promise<void>;
  /** Send into the room; see {@link Client.emit}. */
  emit<E extends $Part<Rooms[R], "sends"> & keyof ClientEvents>(
    event: E,
    ...payload: $Payload<ClientEvents[E]>
  ): EmitResult;
  /** Send into the room and wait for the reply; see {@link Client.request}. */
  request<E extends keyof $Part<Rooms[R], "replies"> & keyof ClientEvents>(
    event: E,
    ...args: [...payload: $Payload<ClientEvents[E]>, options?: RequestOptions]
  ): Promise<$Part<Rooms[R], "replies">[E]>;
  leave(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Client extends $Subscriber {
  readonly state: ConnectionState;
  /** Resolves when the connection is open (after a loss: again); rejects when it never will be. */
  readonly ready: Promise<void>;
  /**
   * Send an event. Every message is delivered at most once and in order: one that was `sent` just
   * before the connection broke may be lost, and is not sent again. Without a connection it waits
   * in the queue, over reconnects as well; a volatile event is dropped instead, and also while the
   * network is behind with what was sent before.
   */
  emit<E extends GlobalEvent & keyof ClientEvents>(
    event: E,
    ...payload: $Payload<ClientEvents[E]>
  ): EmitResult;
  /**
   * Send an event and wait for its reply. Rejects with a {@link RequestError}: `timeout` when no
   * reply came in time, `disconnected` when the connection ended first (the server may have acted).
   */
  request<E extends keyof Replies & keyof ClientEvents>(
    event: E,
    ...args: [...payload: $Payload<ClientEvents[E]>, options?: RequestOptions]
  ): Promise<Replies[E]>;
  /** Join a room. The handle is usable at once; handles of one room are counted. */
  join<R extends JoinableRoom & keyof Rooms>(
    room: R,
    ...params: $Payload<$Part<Rooms[R], "params">>
  ): RoomHandle<R>;
  onState(listener: (state: ConnectionState) => unknown): () => void;
  /** Hear of refused messages, unreadable ones, failing listeners and failing connections. */
  onError(listener: (report: ErrorReport) => unknown): () => void;
  onDropped(listener: (message: DroppedMessage) => unknown): () => void;
  /** Close for good: nothing is sent or awaited any more. */
  close(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/chat",
  fingerprint: "8f799435f62d552d6deadd483791bf2a8f2b90a67621c21fb5e3302305cfbc35",
  codec: "json",
  volatile: ["doc:move"],
  empty: [],
});
