// bytesocket Shapes 0.1.0 - contract 7f3c1803d44b495b - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Circle {
  kind: "circle";
  radius: number;
}

export interface CircleInput {
  kind?: "circle";
  radius: number;
}

export interface Draw {
  shape: Circle | Square | Triangle;
  below: (Circle | Square | Triangle)[];
}

export interface DrawInput {
  shape: (CircleInput & { kind: "circle" }) | (SquareInput & { corners: 4; kind: "polygon" }) | (TriangleInput & { corners: 3; kind: "polygon" });
  below?: ((CircleInput & { kind: "circle" }) | (SquareInput & { corners: 4; kind: "polygon" }) | (TriangleInput & { corners: 3; kind: "polygon" }))[];
}

export interface Square {
  kind: "polygon";
  corners: 4;
  side: number;
}

export interface SquareInput {
  kind?: "polygon";
  corners?: 4;
  side: number;
}

export interface Triangle {
  kind: "polygon";
  corners: 3;
  sides: [number, number, number];
}

export interface TriangleInput {
  kind?: "polygon";
  corners?: 3;
  sides: [number, number, number];
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  draw: DrawInput;
}

/** What arrives, by event. */
export interface ServerEvents {
  draw: Draw;
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
  fingerprint: "7f3c1803d44b495bd440ef75de09f951e7a117fab75b2aafaf547aa13053c791",
  codec: "json",
  volatile: [],
  empty: [],
});
