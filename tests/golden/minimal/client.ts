// bytesocket Minimal 0.1.0 - contract f26057525310c388 - generated, do not edit
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
export interface Replies {}

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
  fingerprint: "f26057525310c3882aae3ce7f44c648ed8da3c539ea9a7501c29c27ca38aa9ce",
  codec: "json",
  volatile: [],
  empty: ["ping"],
});
