/** The page of one product, with those that are like it. */

import * as api from "./api.js";
import { card, facts, price, soldOut, waiting } from "./cards.js";
import { catalogAddress } from "./catalog.js";
import { calm, steps, titleOf } from "./catalog_words.js";
import { deeds, follow } from "./deeds.js";
import { h, note, nothing } from "./dom.js";
import { t } from "./i18n.js";
import { attempt } from "./page.js";
import { session } from "./session.js";
import { tile } from "./tile.js";

const SIMILAR = 8;

export function productView(id) {
  const title = h("h1", { tabindex: "-1" }, id);
  const picture = h("div", { class: "picture waits" });
  const above = h("div");
  const below = h("div", { class: "below" });
  const similar = h("ul", { class: "cards" }, waiting(4));
  const state = h("div", { class: "state" });
  const shown = [];

  const load = () => attempt(below, async () => {
    const item = await api.item(id);
    const actions = deeds(item, () => ({ placement: "product_page" }));
    shown.push(actions);
    title.textContent = titleOf(item);
    document.title = `${titleOf(item)} · Shopkeeper`;
    picture.classList.remove("waits");
    picture.replaceChildren(tile(item), h("div", { class: "badges" }, soldOut(item)));
    above.replaceChildren(path(item.category));
    below.replaceChildren(facts(item), price(item) ? "" : note(t("product.no_price")),
      note(t("product.number", { id: String(item.item_id) })), actions.node);
  }, () => (title.textContent = t("product.missing")));

  const loadSimilar = () => attempt(state, async () => {
    const { items } = await api.similar(id, SIMILAR);
    const made = items.map((row) => card({ item_id: row.item_id, ...row.item }, () => ({ placement: "similar", position: row.rank })));
    shown.push(...made);
    similar.replaceChildren(...made.map((each) => each.node));
    state.replaceChildren(items.length ? "" : nothing(t("product.alone")));
  }, () => similar.replaceChildren());

  load();
  loadSimilar();
  const node = h("div", { class: "view" }, h("a", { class: "back", href: "#/" }, t(session.id === null ? "product.start" : "product.back")),
    h("article", { class: "product" }, picture, h("div", { class: "words" }, above, title, below)),
    h("section", {}, h("h2", {}, t("product.similar")), state, similar));
  return { node, title, leave: follow(shown) };
}

/** Links to the catalog for the two widest steps of a category, which can be chosen there; the rest as words. */
function path(category) {
  const parts = steps(category);
  const address = (place) => (place < 2 ? catalogAddress("", parts.slice(0, place + 1).join(" > ")) : null);
  return h("p", { class: "over path" }, parts.map((part, place) => h("a", { href: address(place) }, calm(part))));
}
