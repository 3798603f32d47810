/** Why an item is in the list, as a sentence: the kind of the reason and the names of what it rests on. */

import { pathWords } from "./catalog_words.js";
import { h } from "./dom.js";
import { locale, pieces, wordFor } from "./i18n.js";

const NAMED = /^because_|^often_/;
const SHOWN = 2;

/** Texts and elements for a reason of the API, with titles by item id. */
export function reasonSentence(reason, titles) {
  const distinct = [...new Set(reason.item_ids.map((id) => titles.get(id)))].slice(0, SHOWN);
  const names = distinct.map((title) => h("b", {}, title));
  if (NAMED.test(reason.kind) && names.length) return pieces(`reason.${reason.kind}`, { items: listed(names) });
  if (reason.category) {
    return pieces(`reason.${reason.kind}`, { category: h("b", {}, pathWords(reason.category)) });
  }
  return [wordFor("reason", `${reason.kind}.plain`, reason.text)];
}

/** "A and B" in the language of the page, where A and B are elements. */
function listed(elements) {
  const parts = new Intl.ListFormat(locale).formatToParts(Object.keys(elements));
  return parts.map(({ type, value }) => (type === "element" ? elements[value] : value));
}

export const reasonItems = (reason) => (NAMED.test(reason?.kind) ? reason.item_ids : []);
