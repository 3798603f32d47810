/** Small things that a browser remembers; where storage is closed, nothing is remembered and nothing breaks. */

const PREFIX = "shopkeeper.";

export function remembered(name, store = "localStorage") {
  try {
    return window[store].getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name, value, store = "localStorage") {
  try {
    if (value === null) window[store].removeItem(PREFIX + name);
    else window[store].setItem(PREFIX + name, value);
  } catch {
    // nothing to do: the page works without
  }
}

/** Hexadecimal digits that nobody else has; works outside of secure contexts too, where randomUUID is missing. */
export function randomName(bytes = 16) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
