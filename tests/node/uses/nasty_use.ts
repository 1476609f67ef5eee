// The nasty contract's names as its users meet them.
import { connect, connectModel, Priority } from "./nasty.ts";
import type { AdminUser, AdminUserModel, ClientModel, DateModel, PageOfCat, Pet } from "./nasty.ts";

const nasty = connect("ws://127.0.0.1", { auth: null });
nasty.on(8, (data) => data.id.length);
nasty.on("e7", (data) => data.items[0]?.meows);
nasty.on(-1, (data) => data);
nasty.on("7", (data) => data["__proto__"]);
// @ts-expect-error a name, not a number
nasty.on(7, () => {});
const use = (a: AdminUser, b: AdminUserModel, c: ClientModel, d: DateModel, e: PageOfCat): unknown[] => [
  a.id.length, b.id.toFixed(), c.client?.["a-b"], d.class, e.items,
];
const speak = (pet: Pet): number | string | Pet => {
  switch (pet.kind) {
    case "cat": return pet.meows;
    case "dog": return pet.kind;
    case "tree": return pet.pet ?? pet;
  }
};
console.log(use, speak);

const high: 2 = Priority.high;
const priority: Priority = Priority["__proto__"];
// @ts-expect-error constants are constant
Priority.high = 2;
console.log(high, priority, connectModel["a-b"] | connectModel.c);
