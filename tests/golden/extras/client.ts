// bytesocket Extras 0.1.0 - contract 1d1e025edca183e2 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Address {
  street: string;
  number: number;
  [key: string]: unknown;
}

export interface AddressInput {
  street: string;
  number?: number;
  [key: string]: unknown;
}

export interface Open {
  by_id: { [key: string]: Point };
  by_number: { [key: string]: string };
  unique: string[];
  options: Options;
  address: Address | null;
  anything: unknown;
  [key: string]: unknown;
}

export interface OpenInput {
  by_id?: { [key: string]: PointInput };
  by_number?: { [key: string]: string };
  unique?: string[];
  options?: Options;
  address?: AddressInput | null;
  anything?: unknown;
  [key: string]: unknown;
}

export interface Options {
  verbose?: boolean;
  [key: string]: unknown;
}

export type Point = [number, number];

export type PointInput = [number, number?];

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  open: OpenInput;
}

/** What arrives, by event. */
export interface ServerEvents {
  open: Open;
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
  fingerprint: "1d1e025edca183e2bb1ffb2f39d7cba14b5d182e683f3d2611b9ba074234889d",
  codec: "json",
  volatile: [],
  empty: [],
});
