// bytesocket Pages 0.1.0 - contract ce2219228b6cb777 - generated, do not edit
/* eslint-disable */

// ---------------------------------------------------------------- payload types

export interface Add {
  item: CartItemInput;
  tree?: Tree | null;
}

export interface CartItem {
  count: number;
}

export interface CartItemInput {
  count?: number;
}

export interface Listed {
  shop: PageOfShopItem;
  cart: PageOfCartItem;
}

/** One page of many. */
export interface PageOfCartItem {
  items: CartItem[];
  next: PageOfCartItem | null;
}

/** One page of many. */
export interface PageOfShopItem {
  items: ShopItem[];
  next: PageOfShopItem | null;
}

export interface ShopItem {
  price: number;
}

export interface Tree {
  name: string;
  children?: Tree[];
}

// ---------------------------------------------------------------- events, rooms, refusals

/** What a client sends, by event. */
export interface ClientEvents {
  add: Add;
}

/** What arrives, by event. */
export interface ServerEvents {
  listed: Listed;
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
  fingerprint: "ce2219228b6cb777d67149315986eca8be09b0034e56f5f43d24ac331a5cb643",
  codec: "json",
  volatile: [],
  empty: [],
});
