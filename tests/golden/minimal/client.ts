// bytesocket Minimal 0.1.0 - contract 7540c909e55d22c0 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

/** Are you there? */
export type Ping = Record<string, never>;

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  /** Are you there? */
  ping: Record<string, never>;
}

/** What arrives, by event. */
export interface ServerEvents {}

/** What a request outside of a room resolves to. */
export interface Replies {
  ping: void;
}

/** The declared rooms. */
export interface Rooms {}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = "ping";
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "7540c909e55d22c060c7a696e65d4f496dec58d43c59e065386a34c78f6e2a71",
  codec: "json",
  volatile: [],
  empty: ["ping"],
});
