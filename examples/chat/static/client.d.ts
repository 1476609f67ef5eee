// bytesocket Chat 0.1.0 - contract 123e54fee110cee5 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** What the login form sends, at every connect. */
export interface Credentials {
  name: string;
  session?: string;
}

/** Somebody in the room, as the others see them: an entry of its presence. */
export interface Person {
  name: string;
}

/** Ask the server to post a message. The reply is a `Receipt`. */
export interface Post {
  text: string;
  message_id?: string;
}

/** A message in the room. */
export interface Posted {
  message_id: string;
  author: string;
  text: string;
  at: string;
}

/** The reply to `Post`: the message is in the room. */
export interface Receipt {
  message_id: string;
}

/** I am typing. */
export type Typing = Record<string, never>;

/** Somebody else is typing. */
export interface Typist {
  name: string;
}

/** What a newcomer sees first: the latest messages, oldest first. */
export interface Welcome {
  you: string;
  posts: Posted[];
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  /**
   * Ask the server to post a message. The reply is a `Receipt`.
   *
   * May be refused with `empty_post`.
   */
  "chat:post": Post;
  /**
   * I am typing.
   *
   * Volatile: dropped instead of queued.
   */
  "chat:typing": Record<string, never>;
}

/** What arrives, by event. */
export interface ServerEvents {
  /** A message in the room. */
  "chat:posted": Posted;
  /**
   * Somebody else is typing.
   *
   * Volatile: dropped instead of queued.
   */
  "chat:typist": Typist;
  /** What a newcomer sees first: the latest messages, oldest first. */
  "chat:welcome": Welcome;
}

/** What a request outside of a room resolves to. */
export interface Replies {
  /** May be refused with `empty_post`. */
  "chat:post": Receipt;
}

/** The declared rooms. */
export interface Rooms {
  lobby: {
    params: Record<string, never>;
    join: "client";
    sends: "chat:typing";
    receives: "chat:typist";
    replies: {
      "chat:typing": void;
    };
    presence: { entry: Person };
  };
}

/** The declared refusals' data, by code. */
export interface Refusals {
  /** A message without a visible character. */
  empty_post: unknown;
}

// ---------------------------------------------------------------- the client's types

declare global {
  // Known here whatever `lib` says; the client only sets them where the platform has them.
  interface SymbolConstructor {
    readonly asyncIterator: unique symbol;
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
}

/** An event that may be sent outside of a room. */
export type GlobalEvent = "chat:post";

/** A room that clients may join. */
export type JoinableRoom = "lobby";

/** `open` is the only state in which messages go out at once; `closed` is final. */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

/** `sent`: handed to the connection; `queued`: waits for one; `dropped`: will not be sent. */
export type EmitResult = "sent" | "queued" | "dropped";

/** What a server or this client may answer a request with, declared refusals included. */
export type ErrorCode =
  | keyof Refusals
  | "validation"
  | "unknown_event"
  | "unknown_room"
  | "not_a_member"
  | "too_many_rooms"
  | "replaced"
  | "removed"
  | "rate_limited"
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "refused"
  | "timeout"
  | "internal"
  | "unknown_contract"
  | "dropped"
  | "disconnected";

/** One finding of the server's validation. */
export interface ValidationDetail {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** The code of a WebSocket close and its reason. */
export interface $Ending {
  readonly code: number;
  readonly reason: string;
}

/** `removed`, or the application's own word, and a text for people. */
export interface $Removal {
  readonly code: string;
  readonly message: string;
}

/** A {@link RequestError} with one code. */
export interface RequestFailure<Code extends ErrorCode> extends Error {
  readonly name: "RequestError";
  readonly code: Code;
  /** What the refusal carries. */
  readonly data: Code extends keyof Refusals ? Refusals[Code] : unknown;
  /** Filled when `code` is `validation`. */
  readonly details: readonly ValidationDetail[];
  /** The close by which the server ended this client for good; of `disconnected` only. */
  readonly closeCode?: number;
  readonly closeReason?: string;
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

/** A message that was taken and will not arrive. */
export interface DroppedMessage {
  readonly event: string | number;
  readonly data: unknown;
  readonly room?: string;
  /** Of an event for several rooms. */
  readonly rooms?: readonly string[];
  /** The queue is full, the client is no longer in the room or closed, or it was turned away. */
  readonly reason: "full" | "left" | "closed" | "refused";
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
  /** Milliseconds until the request rejects with `timeout`; 10,000 unless told, 0 for never. */
  timeoutMs?: number;
  /** Gives the request up; it rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * All times are milliseconds. 0 and Infinity turn a time off, and none is longer than 24 days;
 * what is no time throws a `RangeError` that names the option.
 */
export interface ConnectOptions {
  /** Who this is. A function is called at every connect. */
  auth: Credentials | (() => Credentials | Promise<Credentials>);
  /** The wire format; the same types either way. `json` unless told; "msgpack" is "binary". */
  codec?: "json" | "binary" | "msgpack";
  /**
   * Between attempts: random, below `min` (250) doubled per attempt, at most `max` (15,000). With a
   * `min` of 0 the first attempt is at once, and those after it are as usual.
   */
  reconnect?: { min?: number; max?: number };
  /** A ping each `interval` (25,000); if nothing arrives in `timeout` (20,000), the client reconnects. */
  heartbeat?: { interval?: number; timeout?: number };
  /** `connect` (20,000) covers dialling and authentication, `request` (10,000) each reply. */
  timeouts?: { connect?: number; request?: number };
  /** How many messages wait for a connection; 100 unless told. */
  queueSize?: number;
  /** Added to the URL's query. */
  params?: Record<string, string | number | boolean>;
  /** Another WebSocket class, such as that of the package "ws", for platforms without one. */
  WebSocket?: new (url: string, protocols: string[]) => any;
}

/** The payload as arguments: none for an empty one. */
export type $Payload<T> = [T] extends [Record<string, never>] ? [] : [data: T];
type $Part<T, K extends string | number> = K extends keyof T ? T[K] : never;

type $Arrived<T> = { done?: false; value: T } | { done: true; value: undefined };

/** An `AsyncIterableIterator`, which older libraries of TypeScript do not know. */
export interface $Arrivals<T> {
  next(): Promise<$Arrived<T>>;
  return(): Promise<$Arrived<T>>;
  [Symbol.asyncIterator](): $Arrivals<T>;
}

// One signature holds for every event. The others are there for what editors show of an event.

export interface $On {
  /** A message in the room. */
  (event: "chat:posted", listener: Listener<"chat:posted">): () => void;
  /** Somebody else is typing. */
  (event: "chat:typist", listener: Listener<"chat:typist">): () => void;
  /** What a newcomer sees first: the latest messages, oldest first. */
  (event: "chat:welcome", listener: Listener<"chat:welcome">): () => void;
  /** Call `listener` for each arrival; the answer removes it again. */
  <E extends keyof ServerEvents>(event: E, listener: Listener<E>): () => void;
}

type $Requested = keyof ClientEvents;

export interface $Request<Answers> {
  /** Send an event and wait for its reply. */
  // No call fits this signature. Editors complete the payload of an unfinished call by it.
  <E extends keyof Answers & $Requested>(
    event: E,
    data: ClientEvents[E],
    options: RequestOptions,
    unfinished: never,
  ): never;
  /** Ask the server to post a message. The reply is a `Receipt`. */
  (event: "chat:post" & keyof Answers, ...args: $Asked<"chat:post">): Promise<$Part<Answers, "chat:post">>;
  /** I am typing. */
  (event: "chat:typing" & keyof Answers, ...args: $Asked<"chat:typing">): Promise<$Part<Answers, "chat:typing">>;
  /**
   * Send an event and wait for its reply. Rejects with a {@link RequestError}: `timeout` when no
   * reply came in time, `disconnected` when the connection ended first (the server may have acted).
   */
  <E extends keyof Answers & $Requested>(event: E, ...args: $Asked<E>): Promise<Answers[E]>;
}

type $Asked<E extends $Requested> = [
  ...payload: $Payload<ClientEvents[E]>,
  options?: RequestOptions,
];

/** What a client and a room have in common. No function needs its `this`. */
export interface $Subscriber {
  /** Call `listener` for each arrival; the answer removes it again. */
  readonly on: $On;
  /** Call `listener` for the next arrival only. */
  once<E extends keyof ServerEvents>(this: void, event: E, listener: Listener<E>): () => void;
  /** Remove `listener`, or every listener of the event. */
  off<E extends keyof ServerEvents>(this: void, event: E, listener?: Listener<E>): void;
  /** Iterate over arrivals from now on; ends with the signal, with `break`, and when the handle closes. */
  events<E extends keyof ServerEvents>(
    this: void,
    event: E,
    options?: { signal?: AbortSignal },
  ): $Arrivals<ServerEvents[E]>;
}

/** Keys of the users who came, who have other entries now, and who left. */
export interface $PresenceChange {
  readonly entered: readonly (string | number)[];
  readonly changed: readonly (string | number)[];
  readonly exited: readonly (string | number)[];
}

/**
 * The users in a room by their keys, each with an entry for each of their sockets. It is live: up to
 * date while the room is joined, as it was while there is no connection, and empty once this client
 * is not in the room any more. Handles of one room share it.
 */
export interface $Presence<Entry> extends ReadonlyMap<string | number, readonly Entry[]> {
  /** The number of users; in a room that only counts them the map is empty. */
  readonly count: number;
}

/** What a client may change of its own entry. */
export interface $Changeable<Changes> {
  /**
   * Change this client's own entry. Members are told ten times a second at most, the latest values.
   * Nobody answers; a refusal is told to {@link Client.onError}. It is never queued: without a
   * connection, and once the room is left, it is dropped.
   */
  update(this: void, changes: Changes): "sent" | "dropped";
}

/** What handles of a room with presence have besides. */
export interface $Watched<P extends { entry: unknown }> {
  readonly presence: $Presence<P["entry"]> &
    (P extends { changes: infer Changes } ? $Changeable<Changes> : unknown);
  /** Call `listener` with each change of `presence`, once it is there; the answer removes it again. */
  onPresence(this: void, listener: (change: $PresenceChange) => unknown): () => void;
}

type $Presented<Room> = Room extends { presence: infer P extends { entry: unknown } }
  ? $Watched<P>
  : unknown;

/** One handle of a room. It stays joined over reconnects until each handle has left. */
export type RoomHandle<R extends keyof Rooms> = $Handle<R> & $Presented<Rooms[R]>;

/** What handles of all rooms have. */
export interface $Handle<R extends keyof Rooms> extends $Subscriber {
  /** The room's name on the wire. */
  readonly name: string;
  /** Resolves once the server lets this client in; rejects when it refuses. */
  readonly ready: Promise<void>;
  /** Send into the room; see {@link Client.emit}. */
  emit<E extends $Part<Rooms[R], "sends"> & keyof ClientEvents>(
    this: void,
    event: E,
    ...payload: $Payload<ClientEvents[E]>
  ): EmitResult;
  /** Send into the room and wait for the reply; see {@link Client.request}. */
  readonly request: $Request<$Part<Rooms[R], "replies">>;
  /**
   * Hear that server code took the client out of the room. The handle has ended then: it sends
   * nothing, and is not joined again. To come back, join anew.
   */
  onLeft(this: void, listener: (removal: $Removal) => unknown): () => void;
  leave(this: void): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Client extends $Subscriber {
  readonly state: ConnectionState;
  /** Resolves when the server has let this client in (after a loss: again); rejects if it never will. */
  readonly ready: Promise<void>;
  /**
   * The error for which the client will not come back, with which `ready` and requests reject;
   * undefined while it may.
   */
  readonly ended: RequestError | undefined;
  /**
   * Send an event. Every message is delivered at most once and in order: one that was `sent` just
   * before the connection broke may be lost, and is not sent again. Without a connection it waits
   * in the queue, over reconnects as well; a volatile event is dropped instead, and also while the
   * network is behind with what was sent before.
   */
  emit<E extends GlobalEvent & keyof ClientEvents>(
    this: void,
    event: E,
    ...payload: $Payload<ClientEvents[E]>
  ): EmitResult;
  /**
   * Send an event and wait for its reply. Rejects with a {@link RequestError}: `timeout` when no
   * reply came in time, `disconnected` when the connection ended first (the server may have acted).
   */
  readonly request: $Request<Replies>;
  /** Join a room. The handle is usable at once; handles of one room are counted. */
  join<R extends JoinableRoom & keyof Rooms>(
    this: void,
    room: R,
    ...params: $Payload<$Part<Rooms[R], "params">>
  ): RoomHandle<R>;
  /** Send an event into several rooms of one kind at once, as one message; see {@link Client.emit}. */
  emitRooms<
    R extends JoinableRoom & keyof Rooms,
    E extends $Part<Rooms[R], "sends"> & keyof ClientEvents,
  >(
    this: void,
    rooms: readonly RoomHandle<R>[],
    event: E,
    ...payload: $Payload<ClientEvents[E]>
  ): EmitResult;
  /** Hear of each change, and of the close that caused it, the server's or the client's own. */
  onState(
    this: void,
    listener: (state: ConnectionState, ending: $Ending | undefined) => unknown,
  ): () => void;
  /** Hear of refused messages, unreadable ones, failing listeners and failing connections. */
  onError(this: void, listener: (report: ErrorReport) => unknown): () => void;
  onDropped(this: void, listener: (message: DroppedMessage) => unknown): () => void;
  /** Close for good: nothing is sent or awaited any more. */
  close(this: void): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Connect, and stay connected. Without a URL: to the server that the page came from.
 *
 * The URL may be one of `ws`, `wss`, `http` or `https`.
 */
export function connect(options: ConnectOptions): Client;
export function connect(url: string | URL | undefined, options: ConnectOptions): Client;

export const RequestError: RequestErrorConstructor;
