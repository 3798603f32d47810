/** JSON whose integers beyond 2^53 stay exact, as BigInt: the ids of a shop come back as they went in. */

export function parse(text) {
  return JSON.parse(text, (key, value, context) => {
    const isWide = typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    return isWide && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

export function write(value) {
  return JSON.stringify(value, (key, inner) => (typeof inner === "bigint" ? JSON.rawJSON(String(inner)) : inner));
}
