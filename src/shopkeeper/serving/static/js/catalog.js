/** The catalog: a search, a category, cards. */

import * as api from "./api.js";
import { card, waiting } from "./cards.js";
import { categoryField } from "./category_field.js";
import { follow } from "./deeds.js";
import { button, h, nothing } from "./dom.js";
import { counted, t } from "./i18n.js";
import { attempt } from "./page.js";

const PAGE = 24;

export function catalogAddress(query, category) {
  const given = Object.entries({ query, category }).filter(([, value]) => value);
  return `#/catalog?${new URLSearchParams(given)}`;
}

export function catalogView(parameters) {
  const query = parameters.get("query") ?? "";
  const category = parameters.get("category") ?? "";
  const filter = categoryField(category, () => (location.hash = catalogAddress(query, filter.value())));
  const title = h("h1", { tabindex: "-1" }, query ? t("catalog.found", { query }) : t("catalog.title"));
  const count = h("p", { class: "strip", role: "status" });
  const list = h("ul", { class: "cards" }, waiting(6));
  const state = h("div", { class: "state" });
  const cards = [];

  const load = () => attempt(state, async () => {
    const isFirst = !cards.length;
    const { total, items } = await api.items({ query, category, limit: PAGE, offset: cards.length });
    const made = items.map((item) => card(item, () => ({ placement: query ? "search" : "catalog" })));
    if (isFirst) list.replaceChildren();
    list.append(...made.map((each) => each.node));
    cards.push(...made);
    count.textContent = counted("catalog.count", total);
    if (!isFirst) made[0]?.node.querySelector("a").focus();
    const more = cards.length < total ? button("plain", t("catalog.more"), load) : "";
    state.replaceChildren(total ? more : nothing(t("catalog.nothing")));
  }, () => cards.length || list.replaceChildren());

  load();
  return { node: h("div", { class: "view" }, title, h("div", { class: "head" }, count, filter.node), list, state), title, leave: follow(cards) };
}
