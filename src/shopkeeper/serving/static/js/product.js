/** The page of one product, with those that are like it. */

import * as api from "./api.js";
import { brand, card, price, soldOut, waiting } from "./cards.js";
import { catalogAddress } from "./catalog.js";
import { calm, steps, titleOf } from "./catalog_words.js";
import { deeds, deedSentence } from "./deeds.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { errorBox, say } from "./page.js";
import { watch } from "./session.js";
import { tile } from "./tile.js";

const SIMILAR = 8;

export function productView(id) {
  const title = h("h1", { tabindex: "-1" }, "\u2026");
  const body = h("article", { class: "product", "aria-busy": "true" }, h("div", { class: "picture waits" }), h("div", { class: "words" }, title));
  const similar = h("ul", { class: "cards" }, waiting(4));
  const state = h("div", { class: "state" });
  const updates = [];

  async function load() {
    try {
      const item = await api.item(id);
      const actions = deeds(item, () => ({ placement: "product_page" }));
      updates.push(actions.update);
      title.textContent = calm(titleOf(item));
      body.replaceChildren(h("div", { class: "picture" }, tile(item), h("div", { class: "badges" }, item.available === false && soldOut())),
        h("div", { class: "words" }, path(item.category), title, h("p", { class: "facts" }, price(item), brand(item)),
          price(item) ? null : h("p", { class: "quiet" }, t("product.no_price")), h("p", { class: "quiet" }, t("product.number", { id: String(item.item_id) })), actions.node));
    } catch (error) {
      title.textContent = t("product.missing");
      body.replaceChildren(h("div", { class: "words" }, title, errorBox(error, load)));
    }
    body.removeAttribute("aria-busy");
  }

  async function loadSimilar() {
    try {
      const { items } = await api.similar(id, SIMILAR);
      const made = items.map((row) => card({ item_id: row.item_id, ...row.item }, () => ({ placement: "similar", position: row.rank })));
      for (const each of made) each.update();
      updates.push(...made.map((each) => () => each.update()));
      similar.replaceChildren(...made.map((each) => each.node));
      state.replaceChildren(items.length ? "" : h("p", { class: "nothing" }, t("product.alone")));
    } catch (error) {
      similar.replaceChildren();
      state.replaceChildren(errorBox(error, loadSimilar));
    }
  }

  const leave = watch(({ kind, deed }) => {
    for (const update of updates) update();
    if (kind === "deed") say(deedSentence(deed));
  });
  load();
  loadSimilar();
  const node = h("div", { class: "view" }, h("a", { class: "back", href: "#/" }, t("product.back")), body,
    h("section", {}, h("h2", {}, t("product.similar")), state, similar));
  return { node, title, leave };
}

function path(category) {
  const parts = steps(category);
  const links = parts.slice(0, 2).map((part, place) => h("a", { href: catalogAddress("", parts.slice(0, place + 1).join(" > ")) }, calm(part)));
  return parts.length > 0 && h("p", { class: "over path" }, links, parts.slice(2).map((part) => h("span", {}, calm(part))));
}
