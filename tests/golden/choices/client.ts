// bytesocket Choices 0.1.0 - contract d1b419625ba56bf3 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Choice {
  color: Color;
  priority: Priority;
  rights: Rights;
  mode: "off" | "on" | 0 | null;
  lights: { [K in "green" | "red"]?: boolean };
}

export interface ChoiceInput {
  color: Color;
  priority?: Priority;
  rights?: Rights;
  mode?: "off" | "on" | 0 | null;
  lights?: { [K in "green" | "red"]?: boolean };
}

/** What a light may show. */
export type Color = "red" | "green";

export type Priority = 1 | 2;

export type Rights = number;

export const Color: { readonly RED: "red"; readonly GREEN: "green" } = { RED: "red", GREEN: "green" };
export const Priority: { readonly low: 1; readonly high: 2 } = { low: 1, high: 2 };
export const Rights: { readonly READ: 1; readonly WRITE: 2 } = { READ: 1, WRITE: 2 };

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  choice: ChoiceInput;
}

/** What arrives, by event. */
export interface ServerEvents {
  choice: Choice;
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
  fingerprint: "d1b419625ba56bf3c9eac7cb85f7e81815fb5a8a825235cc2fb78b9ff855eeee",
  codec: "json",
  volatile: [],
  empty: [],
});
