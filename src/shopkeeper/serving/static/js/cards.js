/** One product as a card: picture, title, price, category, brand, why it is here, and what can be done with it. */

import { pathWords, titleOf } from "./catalog_words.js";
import { deeds } from "./deeds.js";
import { fact, h } from "./dom.js";
import { formatFixed, formatNumber, formatShare, t } from "./i18n.js";
import { reasonSentence } from "./reasons.js";
import { act, session } from "./session.js";
import { tile } from "./tile.js";

/**
 * A list item for an item that is shown in a place (see `deeds`). `update` takes the recommendation (or nothing), titles
 * by id and a mark: how the card moved since the last list.
 */
export function card(item, place) {
  const badge = h("div", { class: "badges" });
  const why = h("div", { class: "why" });
  const actions = deeds(item, place);
  const node = h("li", { class: "card" },
    h("div", { class: "picture" }, tile(item), badge),
    h("div", { class: "words" },
      item.category && h("p", { class: "over" }, pathWords(item.category)),
      h("h3", {}, itemLink(item, () => look(item, place()))),
      facts(item),
      why),
    actions.node);

  function update(recommendation = null, titles = null, mark = null) {
    badge.replaceChildren(...[soldOut(item), mark && moved(mark)].filter(Boolean));
    node.classList.toggle("fresh", mark !== null);
    why.replaceChildren(...(recommendation ? explanation(recommendation, titles) : []));
    actions.update();
  }

  update();
  return { node, update };
}

export function itemLink(item, click = null) {
  return h("a", { href: `#/item/${encodeURIComponent(String(item.item_id))}`, click }, titleOf(item));
}

/** Opening a page is a view: it is sent, where somebody was chosen who views, and nobody waits for it. */
function look(item, place) {
  if (session.id === null) return;
  act([{ type: "view", item }], place).catch(console.warn);
}

export function facts(item) {
  return h("p", { class: "facts" }, price(item), item.brand && h("span", { class: "brand" }, item.brand));
}

export function price(item) {
  return typeof item.price === "number" && h("span", { class: "price" }, [formatFixed(item.price), item.currency].filter(Boolean).join(" "));
}

export function soldOut(item) {
  return item.available === false && h("span", { class: "badge quiet" }, t("card.unavailable"));
}

function moved(mark) {
  if (mark === "new") return h("span", { class: "badge new" }, t("mark.new"));
  return h("span", { class: "badge up", role: "img", "aria-label": t("mark.up", { n: mark }) }, `▲ ${mark}`);
}

function explanation({ reason, score, source }, titles) {
  const rows = [["score", formatNumber(score, 3)], ["source", source], reason?.weight > 0 && ["weight", formatShare(reason.weight)]];
  const numbers = rows.filter(Boolean).map(([name, value]) => fact(t(`numbers.${name}`), value));
  const details = h("details", {}, h("summary", {}, t("numbers.show")), h("dl", {}, numbers));
  return reason ? [h("p", { class: "reason" }, reasonSentence(reason, titles)), details] : [details];
}

/** Grey cards in the place of those that are on their way. */
export function waiting(count) {
  return Array.from({ length: count }, () => h("li", { class: "card waits", "aria-hidden": "true" },
    h("div", { class: "picture" }), h("div", { class: "words" }, h("p"), h("p"), h("p"))));
}
