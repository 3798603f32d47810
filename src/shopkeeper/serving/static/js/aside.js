/** Beside every view: who is shopping, what lies in their cart, what they did, newest first. */

import { itemAddress } from "./cards.js";
import { calm, titleOf } from "./catalog_words.js";
import { h } from "./dom.js";
import { counted, formatAgo, formatMoment, formatPrice, t, wordFor } from "./i18n.js";
import { icon } from "./icons.js";
import { errorBox } from "./page.js";
import { act, cart, session, showMore, watch } from "./session.js";

const PAGE = 12;

export function startAside(node) {
  let shown = PAGE;
  let shopper = null;
  let seen = null;

  function draw(cause = {}) {
    if (session.id === null) return node.replaceChildren();
    if (shopper !== session.id) [shopper, shown, seen] = [session.id, PAGE, null];
    const fresh = cause.kind === "deed" && seen !== null;
    node.replaceChildren(who(), basket(), past(fresh));
    seen = new Set(session.events.map(keyOf));
  }

  function who() {
    const words = session.known ? counted("shopper.events", session.events.length, { more: session.events.length === session.limit ? "+" : "" }) : t("shopper.unknown");
    return h("section", { class: "who", "aria-label": t("shopper.title") },
      h("p", { class: "over" }, t("shopper.title")), h("p", { class: "name" }, String(session.id)), h("p", { class: "quiet" }, words),
      h("a", { class: "switch", href: "#/shoppers" }, t("shopper.switch")));
  }

  function past(fresh) {
    const rows = session.events.slice(0, shown).map((event) => entry(event, fresh && !seen.has(keyOf(event))));
    const more = (session.events.length > shown || session.events.length === session.limit) && h("button", { type: "button", class: "plain", click: older }, t("history.more"));
    return h("section", { class: "past", "aria-labelledby": "history" }, h("h2", { id: "history" }, t("history.title")),
      rows.length ? h("ol", { class: "events" }, rows) : h("p", { class: "nothing" }, t("history.empty")), more);
  }

  async function older() {
    shown += PAGE;
    if (shown > session.events.length && session.events.length === session.limit) await showMore();
    draw();
    node.querySelectorAll(".events li")[shown - PAGE]?.querySelector("a")?.focus();
  }

  watch(draw);
  draw();
}

const keyOf = (event) => `${event.item_id} ${event.event_type} ${event.timestamp}`;

function entry({ item_id: id, event_type: type, timestamp, item }, isNew) {
  const date = new Date(timestamp);
  return h("li", { class: isNew ? "event fresh" : "event" }, icon(type),
    h("div", {}, h("a", { href: itemAddress(id) }, calm(titleOf({ item_id: id, ...item }))),
      h("p", { class: "quiet" }, wordFor("event", type), " · ",
        h("time", { datetime: timestamp, title: formatMoment(date) }, formatAgo(date)))));
}

function basket() {
  const inside = cart();
  const total = inside.reduce((sum, { item }) => sum + (item?.price ?? NaN), 0);
  const trouble = h("div", { class: "trouble" });
  const buy = (rows) => async (event) => {
    event.currentTarget.setAttribute("aria-disabled", "true");
    const deeds = rows.map((row) => ({ type: "purchase", item: { item_id: row.item_id, ...row.item } }));
    await act(deeds, { placement: "cart" }).catch((error) => trouble.replaceChildren(errorBox(error)));
  };
  const rows = inside.map((row) => h("li", {}, h("a", { href: itemAddress(row.item_id) }, calm(titleOf({ item_id: row.item_id, ...row.item }))),
    typeof row.item?.price === "number" && h("span", { class: "price" }, formatPrice(row.item.price))));
  return h("section", { class: "basket", "aria-labelledby": "cart" }, h("h2", { id: "cart" }, t("cart.title")),
    inside.length
      ? [h("ul", {}, rows), h("button", { type: "button", class: "primary wide", click: buy(inside) },
        Number.isFinite(total) ? t("cart.buy_for", { total: formatPrice(total) }) : t("cart.buy"))]
      : h("p", { class: "nothing" }, t("cart.empty")),
    trouble);
}
