// ---------------------------------------------------------------- runtime: bytes on the JSON wire

/** Whether a value can be of a shape: tags, keys and kind are looked at, no deeper. */
function fits(shapes, shape, value) {
  if (shape === undefined) return false;
  if (typeof shape === "string") {
    if (shape.startsWith("#")) return fits(shapes, shapes[shape.slice(1)], value);
    return typeof value === "string" || value instanceof Uint8Array;
  }
  const { any, when = {}, needs = [], fields, rest } = shape;
  if (any && !any.some((option) => fits(shapes, option, value))) return false;
  if (typeof value !== "object" || value === null) return any !== undefined;
  return (
    (any !== undefined || Array.isArray(value) !== Boolean(fields ?? rest)) &&
    Object.entries(when).every(
      ([key, tags]) => value[key] === undefined || tags.includes(value[key]),
    ) &&
    needs.every((key) => key in value)
  );
}

/** Copy a value with `change` applied where its shape says that bytes are. */
function walk(shapes, shape, value, change) {
  if (shape === null || shape === undefined || value === null || value === undefined) return value;
  if (typeof shape === "string") {
    return shape.startsWith("#")
      ? walk(shapes, shapes[shape.slice(1)], value, change)
      : change(shape, value);
  }
  const { any, tuple, items, fields, rest } = shape;
  if (any)
    return walk(
      shapes,
      any.find((option) => fits(shapes, option, value)),
      value,
      change,
    );
  if (Array.isArray(value)) {
    return value.map((item, index) => walk(shapes, tuple?.[index] ?? items, item, change));
  }
  if (typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]) => {
    const known = fields && Object.hasOwn(fields, key) ? fields[key] : rest;
    return [key, walk(shapes, known, item, change)];
  });
  return Object.fromEntries(entries);
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function bytesToText(format, value) {
  if (!(value instanceof Uint8Array)) return value;
  if (format === "utf8") {
    try {
      return strictUtf8.decode(value);
    } catch {
      throw new TypeError('Bytes that are no UTF-8 cannot be sent as JSON: use codec "msgpack"');
    }
  }
  if (format === "hex") {
    return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  let binary = "";
  for (const byte of value) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_");
}

function textToBytes(format, value) {
  if (typeof value !== "string") return value;
  if (format === "utf8") return utf8.encode(value);
  if (format === "hex") {
    return Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  }
  const binary = atob(value.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function createBytes(tables) {
  const { shapes } = tables;
  const sent = new Map(tables.sent);
  const arriving = new Map(tables.arriving);
  return {
    toText: (event, data) => walk(shapes, sent.get(event), data, bytesToText),
    fromText: (event, data, pattern) => {
      const reply = tables.replied.find(([name, , room]) => name === event && room === pattern);
      const shape = pattern === undefined ? arriving.get(event) : reply?.[1];
      return walk(shapes, shape, data, textToBytes);
    },
  };
}
