/** Rows of products for somebody of whom nothing is known: what is popular, in the shop and in its widest categories. */

import * as api from "./api.js";
import { card, waiting } from "./cards.js";
import { calm } from "./catalog_words.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { attempt } from "./page.js";

const LENGTH = 12;
const CATEGORIES = 3;
const FIELDS = ["title", "category", "brand", "price"];
const PLACEMENT = "start";

export function startRows() {
  const node = h("div", { class: "rows-of-cards" }, row(t("rows.popular"), ""));
  const trouble = h("div", { class: "state" });
  node.append(trouble);
  attempt(trouble, async () => {
    const { categories } = await api.categories();
    const widest = categories.filter(({ category }) => !category.includes(" > ")).sort((one, other) => other.items - one.items);
    if (widest.length > 1) node.append(...widest.slice(0, CATEGORIES).map(({ category }) => row(calm(category), category)));
  });
  return node;
}

function row(title, category) {
  const list = h("ul", { class: "cards", tabindex: "0", role: "list", "aria-label": title }, waiting(4));
  const state = h("div", { class: "state" });
  const node = h("section", {}, h("h2", {}, title), state, list);
  attempt(state, async () => {
    const filters = category ? { category } : {};
    const { answer } = await api.recommend({ k: LENGTH, placement: PLACEMENT, fields: FIELDS, filters });
    list.replaceChildren(...answer.items.map((one) => card({ item_id: one.item_id, ...one.item }, () => ({ placement: PLACEMENT })).node));
    node.hidden = !answer.items.length;
  }, () => list.replaceChildren());
  return node;
}
