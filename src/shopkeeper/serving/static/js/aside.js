/** Beside every view: who is shopping, what lies in their cart, what they did, newest first. */

import { itemLink, price } from "./cards.js";
import { titleOf } from "./catalog_words.js";
import { button, h } from "./dom.js";
import { counted, formatAgo, formatFixed, formatMoment, t, wordFor } from "./i18n.js";
import { icon } from "./icons.js";
import { attempt } from "./page.js";
import { act, cart, LATEST, session, watch } from "./session.js";

const PAGE = 12;

export function startAside(node) {
  const part = (selector) => node.querySelector(selector);
  const [name, count] = [".name", ".count"].map(part);
  const [items, buy, noItems, trouble] = ["ul", "button", ".nothing", ".trouble"].map((each) => part(`.basket ${each}`));
  const [events, older, noEvents] = ["ol", "button", ".nothing"].map((each) => part(`.past ${each}`));
  let shown = PAGE;
  let shopper = null;
  let seen = new Set();

  function draw(deed = null) {
    if (session.id === null) return;
    if (shopper !== session.id) [shopper, shown] = [session.id, PAGE];
    node.hidden = false;
    name.textContent = String(session.id);
    const n = session.events.length;
    count.textContent = n ? counted("shopper.events", n, { more: n < LATEST ? "" : "+" }) : t("shopper.unknown");
    drawCart(cart());
    events.replaceChildren(...session.events.slice(0, shown).map((event) => entry(event, deed && !seen.has(keyOf(event)))));
    older.hidden = n <= shown;
    noEvents.hidden = n > 0;
    seen = new Set(session.events.map(keyOf));
  }

  function drawCart(inside) {
    const total = inside.reduce((sum, item) => sum + (item.price ?? NaN), 0);
    const wasFocused = document.activeElement === buy || items.contains(document.activeElement);
    items.replaceChildren(...inside.map((item) => h("li", {}, itemLink(item), price(item), removal(item))));
    buy.textContent = Number.isFinite(total) ? t("cart.buy_for", { total: formatFixed(total) }) : t("cart.buy");
    buy.hidden = !inside.length;
    noItems.hidden = inside.length > 0;
    if (wasFocused && (buy.hidden || document.activeElement !== buy)) document.getElementById("cart").focus();
  }

  function removal(item) {
    const label = t("cart.remove", { title: titleOf(item) });
    const pressed = button("remove", "×", () => attempt(trouble, async () => {
      await act([{ type: "remove_from_cart", item }], { placement: "cart" });
      trouble.replaceChildren();
    }));
    pressed.setAttribute("aria-label", label);
    pressed.title = label;
    return pressed;
  }

  buy.addEventListener("click", () => attempt(trouble, async () => {
    await act(cart().map((item) => ({ type: "purchase", item })), { placement: "cart" });
    trouble.replaceChildren();
  }));
  older.addEventListener("click", () => {
    shown += PAGE;
    draw();
    events.querySelectorAll("a")[shown - PAGE].focus();
  });
  watch(draw);
}

const keyOf = (event) => `${event.item_id} ${event.event_type} ${event.timestamp}`;

function entry({ event_type: type, timestamp, item }, isNew) {
  const date = new Date(timestamp);
  const time = h("time", { datetime: timestamp, title: formatMoment(date) }, formatAgo(date));
  return h("li", { class: isNew ? "event fresh" : "event" }, icon(type),
    h("div", {}, itemLink(item), h("p", { class: "quiet" }, wordFor("event", type), " · ", time)));
}
