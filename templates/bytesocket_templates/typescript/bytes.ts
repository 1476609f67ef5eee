// ---------------------------------------------------------------- runtime: bytes on the JSON wire

type $Shape =
  | string
  | {
      /** Without a prototype, so that `in` finds no other keys. */
      fields?: Record<string, $Shape | null>;
      rest?: $Shape;
      items?: $Shape;
      tuple?: readonly ($Shape | null)[];
      any?: readonly $Shape[];
      when?: Record<string, readonly unknown[]>;
      needs?: readonly string[];
    };

interface $Shapes {
  readonly [name: string]: $Shape;
}

/** An event, its shape and, for replies, the room's pattern or ""; refusals are by code, with null. */
type $Row = readonly [event: $Name | undefined, shape: $Shape, place?: string | null];

interface $Tables {
  shapes: $Shapes;
  /** Credentials have no event. */
  sent: readonly $Row[];
  arriving: readonly $Row[];
}

/** Whether a value can be of a shape: tags, keys and kind are looked at, no deeper. */
function fits(shapes: $Shapes, shape: $Shape | undefined, value: any): boolean {
  if (!shape) return false;
  if (typeof shape === "string") {
    if (shape[0] === "#") return fits(shapes, shapes[shape.slice(1)], value);
    return typeof value === "string" || value instanceof Uint8Array;
  }
  const { any, when = {}, needs = [], fields, rest } = shape;
  if (any && !any.some((option) => fits(shapes, option, value))) return false;
  if (typeof value !== "object" || value === null) return !!any;
  return (
    (!!any || Array.isArray(value) !== !!(fields ?? rest)) &&
    Object.keys(when).every(
      (key) => value[key] === undefined || (when[key] as any).includes(value[key]),
    ) &&
    needs.every((key) => key in value)
  );
}

/** Copy a value with `change` applied where its shape says that bytes are. */
function walk(
  shapes: $Shapes,
  shape: $Shape | null | undefined,
  value: any,
  change: (format: string, value: any) => unknown,
): any {
  const inside = (part: $Shape | null | undefined, item: any): any =>
    walk(shapes, part, item, change);
  if (!shape) return value;
  if (typeof shape === "string") {
    return shape[0] === "#" ? inside(shapes[shape.slice(1)], value) : change(shape, value);
  }
  const { any, tuple, items, fields, rest } = shape;
  if (any)
    return inside(
      any.find((option) => fits(shapes, option, value)),
      value,
    );
  if (Array.isArray(value)) return value.map((item, at) => inside(tuple?.[at] ?? items, item));
  if (typeof value !== "object" || value === null) return value;
  return (Object as any).fromEntries(
    Object.keys(value).map((key) => [
      key,
      inside(fields && key in fields ? fields[key] : rest, value[key]),
    ]),
  );
}

/** How bytes are written as text, and read from it; those that the contract has. */
const formats: Record<string, readonly [(bytes: any) => string, (text: any) => Uint8Array]> = {
  /* utf8 */
  utf8: [
    (bytes) => {
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        throw new TypeError('Bytes that are no UTF-8 cannot be sent as JSON: use codec "binary"');
      }
    },
    (text) => utf8.encode(text),
  ],
  /* end */
  /* base64 */
  base64: [
    (bytes) =>
      btoa(Array.from(bytes, (byte: any) => String.fromCharCode(byte)).join(""))
        .replace(/\+/g, "-")
        .replace(/\//g, "_"),
    (text) =>
      Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) =>
        character.charCodeAt(0),
      ),
  ],
  /* end */
  /* hex */
  hex: [
    (bytes) => Array.from(bytes, (byte: any) => (byte + 256).toString(16).slice(1)).join(""),
    (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number(`0x${pair}`)),
  ],
  /* end */
};

function bytesToText(format: string, value: any): unknown {
  return value instanceof Uint8Array ? (formats[format] as any)[0](value) : value;
}

/** Read bytes; what is not written as bytes are, in a union, is another value and stays. */
function textToBytes(format: string, value: any): unknown {
  try {
    const bytes = (formats[format] as any)[1](value);
    if (bytesToText(format, bytes) === value) return bytes;
  } catch {
    // Text that is neither, or a number.
  }
  return value;
}

function createBytes({ shapes, sent, arriving }: $Tables): Pick<$Contract, "toText" | "fromText"> {
  const walker =
    (table: readonly $Row[], change: (format: string, value: any) => unknown) =>
    (event: $Name | undefined, data: unknown, place?: string | null): unknown => {
      const row = table.find((one) => one[0] === event && one[2] === place);
      return walk(shapes, row?.[1], data, change);
    };
  return { toText: walker(sent, bytesToText), fromText: walker(arriving, textToBytes) };
}
