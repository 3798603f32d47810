/** How words of the catalog are shown: paths in steps, shouted words in a normal voice. */

const SEPARATOR = " > ";

export function steps(path) {
  return path ? path.split(SEPARATOR) : [];
}

/** "FLUID MILK" reads "Fluid Milk"; a text with any small letter stays as it is. */
export function calm(text) {
  if (text !== text.toUpperCase() || text === text.toLowerCase()) return text;
  return text.toLowerCase().replace(/(?<![\p{L}\p{N}'])\p{L}/gu, (letter) => letter.toUpperCase());
}

export function titleOf(item) {
  return item.title || String(item.item_id);
}

/** The wide part of a category path as one calm line: "Grocery › Fluid Milk". */
export function pathWords(path) {
  return steps(path).slice(0, 2).map(calm).join(" › ");
}
