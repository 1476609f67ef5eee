// bytesocket Scalars 0.1.0 - contract 4fc00d8e3eb31395 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Order {
  id: string;
  price: number | string;
  password: string;
  amount?: number;
  when?: string | null;
}

export interface Ordered {
  at: string;
  day: string;
  clock: string;
  took: string;
  price: string;
  address: string;
  link: string;
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  order: Order;
}

/** What arrives, by event. */
export interface ServerEvents {
  ordered: Ordered;
}

/** What a request outside of a room resolves to. */
export interface Replies {}

/** The declared rooms. */
export interface Rooms {}

/** The declared refusals' data, by code. */
export interface Refusals {}

// ...
export type GlobalEvent = never;
export type JoinableRoom = never;

// ---------------------------------------------------------------- this contract

const contract = (): $Contract => ({
  path: "/ws",
  fingerprint: "4fc00d8e3eb3139532388efdbcd55a488103ac7b8b15dfb0f8c487b231df5c23",
  codec: "json",
  volatile: [],
  empty: [],
});
