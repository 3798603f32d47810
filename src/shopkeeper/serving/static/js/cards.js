/** One product as a card: picture, title, price, category, brand, why it is here, and what can be done with it. */

import { calm, pathWords, titleOf } from "./catalog_words.js";
import { deeds } from "./deeds.js";
import { h } from "./dom.js";
import { formatNumber, formatPrice, formatShare, t } from "./i18n.js";
import { reasonSentence } from "./reasons.js";
import { act } from "./session.js";
import { tile } from "./tile.js";

export const itemAddress = (id) => `#/item/${encodeURIComponent(String(id))}`;

/**
 * @param {Object} item `item_id` and what the catalog knows.
 * @param {Function} place See `deeds`.
 * @returns {{node: Element, update: Function}} A list item. `update` takes the recommendation (or nothing), titles by id
 *   and a mark: how the card moved since the last list.
 */
export function card(item, place) {
  const badge = h("div", { class: "badges" });
  const why = h("div", { class: "why" });
  const actions = deeds(item, place);
  const open = h("a", { href: itemAddress(item.item_id), click: () => look(item, place()) }, calm(titleOf(item)));
  const node = h("li", { class: "card" },
    h("div", { class: "picture" }, tile(item), badge),
    h("div", { class: "words" },
      item.category && h("p", { class: "over" }, pathWords(item.category, 2)),
      h("h3", {}, open),
      h("p", { class: "facts" }, price(item), brand(item)),
      why),
    actions.node);
  return { node, update };

  function update(recommendation = null, titles = new Map(), mark = null) {
    badge.replaceChildren(...[item.available === false && soldOut(), mark && moved(mark)].filter(Boolean));
    node.classList.toggle("fresh", mark !== null);
    why.replaceChildren(...(recommendation ? explanation(recommendation, titles) : []));
    actions.update();
  }
}

/** Opening a page is a view: it is sent, and nobody waits for it. */
function look(item, place) {
  act([{ type: "view", item }], place).catch((error) => console.warn("a view was not sent:", error.message));
}

export function price(item) {
  return typeof item.price === "number" && h("span", { class: "price" }, formatPrice(item.price));
}

export function brand(item) {
  return item.brand && h("span", { class: "brand" }, calm(item.brand));
}

export function soldOut() {
  return h("span", { class: "badge quiet" }, t("card.unavailable"));
}

function moved(mark) {
  if (mark === "new") return h("span", { class: "badge new" }, t("mark.new"));
  return h("span", { class: "badge up" }, h("span", { "aria-hidden": "true" }, `▲ ${mark}`), h("span", { class: "unseen" }, t("mark.up", { n: mark })));
}

function explanation(recommendation, titles) {
  const { reason, score, source } = recommendation;
  const rows = [
    [t("numbers.score"), formatNumber(score, 3)],
    [t("numbers.source"), source],
    reason?.weight > 0 && [t("numbers.weight"), formatShare(reason.weight)],
  ].filter(Boolean);
  return [
    reason && h("p", { class: "reason" }, reasonSentence(reason, titles)),
    h("details", {}, h("summary", {}, t("numbers.show")),
      h("dl", {}, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))),
  ].filter(Boolean);
}

/** Grey cards in the place of those that are on their way. */
export function waiting(count) {
  return Array.from({ length: count }, () => h("li", { class: "card waits", "aria-hidden": "true" },
    h("div", { class: "picture" }), h("div", { class: "words" }, h("p", {}), h("p", {}), h("p", {}))));
}
