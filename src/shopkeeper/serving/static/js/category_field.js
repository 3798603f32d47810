/** The choice of a category: widest categories, and under each its second level. */

import * as api from "./api.js";
import { calm, steps } from "./catalog_words.js";
import { h } from "./dom.js";
import { formatNumber, t } from "./i18n.js";

let known = null;

/** Begins with a category (or ""), and calls a function after another was chosen. */
export function categoryField(chosen, change) {
  const select = h("select", { id: "category", change }, h("option", { value: "" }, t("category.all")));
  const node = h("div", { class: "field" }, h("label", { for: "category" }, t("category.label")), select);
  if (chosen) select.append(h("option", { value: chosen, selected: true }, calm(steps(chosen).at(-1))));
  known ??= api.categories();
  known.then(({ categories }) => offer(select, categories)).catch(() => (known = null));
  return { node, value: () => select.value };
}

function offer(select, categories) {
  const chosen = select.value;
  const options = categories.map(({ category, items }) => {
    const path = steps(category);
    const indent = "\u2003".repeat(path.length - 1);
    return h("option", { value: category }, `${indent}${calm(path.at(-1))} (${formatNumber(items)})`);
  });
  select.replaceChildren(select.firstChild, ...options);
  select.value = chosen;
}
