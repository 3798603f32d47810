/** The catalog: a search, a category, cards. */

import * as api from "./api.js";
import { card, waiting } from "./cards.js";
import { categoryField } from "./category_field.js";
import { deedSentence } from "./deeds.js";
import { h } from "./dom.js";
import { counted, t } from "./i18n.js";
import { errorBox, say } from "./page.js";
import { watch } from "./session.js";

const PAGE = 24;

export function catalogAddress(query, category) {
  const given = Object.entries({ query, category }).filter(([, value]) => value);
  return `#/catalog${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

export function catalogView(parameters) {
  const query = parameters.get("query") ?? "";
  const filter = categoryField(parameters.get("category") ?? "", () => (location.hash = catalogAddress(query, filter.value())));
  const title = h("h1", { tabindex: "-1" }, query ? t("catalog.found", { query }) : t("catalog.title"));
  const count = h("p", { class: "strip", role: "status" });
  const list = h("ul", { class: "cards" }, waiting(6));
  const state = h("div", { class: "state" });
  const cards = [];

  async function load() {
    try {
      const { total, items } = await api.items({ query, category: parameters.get("category"), limit: PAGE, offset: cards.length });
      const made = items.map((item) => card(item, () => ({ placement: query ? "search" : "catalog" })));
      for (const each of made) each.update();
      if (!cards.length) list.replaceChildren();
      cards.push(...made);
      list.append(...made.map((each) => each.node));
      count.textContent = counted("catalog.count", total);
      state.replaceChildren(total ? "" : h("p", { class: "nothing" }, t("catalog.nothing")),
        cards.length < total ? h("button", { type: "button", class: "plain", click: more }, t("catalog.more")) : "");
    } catch (error) {
      if (!cards.length) list.replaceChildren();
      state.replaceChildren(errorBox(error, load));
    }
  }

  async function more() {
    const first = cards.length;
    await load();
    cards[first]?.node.querySelector("h3 a").focus();
  }

  const leave = watch(({ kind, deed }) => {
    for (const each of cards) each.update();
    if (kind === "deed") say(deedSentence(deed));
  });
  load();
  return { node: h("div", { class: "view" }, h("div", { class: "head" }, h("div", {}, title, count), filter.node), list, state), title, leave };
}
