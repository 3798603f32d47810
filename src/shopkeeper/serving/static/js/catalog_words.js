/** How words of the catalog are shown: paths in steps, shouted categories in a normal voice. */

const SEPARATOR = " > ";

export function steps(path) {
  return path ? path.split(SEPARATOR) : [];
}

/** "FLUID MILK" reads "Fluid Milk"; short words and a text with any small letter stay as they are. */
export function calm(text) {
  return /\p{Ll}/u.test(text) ? text : text.replace(/\p{Lu}{3,}/gu, (word) => word[0] + word.slice(1).toLowerCase());
}

export function titleOf(item) {
  return item.title || String(item.item_id);
}

/** The wide part of a category path as one calm line: "Grocery › Fluid Milk". */
export function pathWords(path) {
  return steps(path).slice(0, 2).map(calm).join(" › ");
}
