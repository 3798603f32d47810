/** Who is shopping, and what they did: the state that all views of the storefront share. */

import * as api from "./api.js";
import { randomName, remember, remembered } from "./storage.js";

const FIRST = 50;
const PATIENCE_MS = [0, 120, 250, 400, 700]; // another worker may need a moment to read an event that one took
const BASKET = ["cart", "purchase"];

const watchers = new Set();
const titles = new Map();
const visit = remembered("visit", "sessionStorage") ?? randomName(8);
remember("visit", visit, "sessionStorage");

export const session = { id: null, known: false, events: [], limit: FIRST };

/** Calls a function after each change with its `kind` (shopper, deed, more) and `deed`; gives the function that ends it. */
export function watch(callback) {
  watchers.add(callback);
  return () => watchers.delete(callback);
}

function changed(cause) {
  for (const callback of [...watchers]) callback(cause);
}

/** Makes somebody the shopper of this page; the address of the page names them from then on. */
export async function choose(id) {
  const answer = await api.shopper(id, FIRST);
  Object.assign(session, { id: answer.user_id, limit: FIRST });
  take(answer);
  const address = new URL(location.href);
  address.searchParams.set("shopper", String(session.id));
  history.replaceState(null, "", address);
  remember("shopper", String(session.id));
  changed({ kind: "shopper" });
}

export async function showMore() {
  session.limit += FIRST;
  take(await api.shopper(session.id, session.limit));
  changed({ kind: "more" });
}

/** Somebody of the address, or of the last visit. */
export function lastShopper() {
  return new URL(location.href).searchParams.get("shopper") ?? remembered("shopper");
}

export function forget() {
  remember("shopper", null);
}

/**
 * Sends what the shopper did and waits until their history shows it.
 * @param {{type: string, item: Object}[]} deeds What was done with which items.
 * @param {Object} place `placement`, and for a recommended item `recommendation_id` and `position`.
 */
export async function act(deeds, place) {
  const before = newest(deeds[0]);
  const user = session.id;
  await api.sendEvents(deeds.map(({ type, item }) => ({
    event_id: randomName(), user_id: user, item_id: item.item_id, event_type: type, session_id: visit,
    ...(BASKET.includes(type) && { quantity: 1, ...(typeof item.price === "number" && { price: item.price }) }), ...place,
  })));
  for (const wait of PATIENCE_MS) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const answer = await api.shopper(user, session.limit);
    if (session.id !== user) return;
    take(answer);
    if (newest(deeds[0]) !== before) break;
  }
  changed({ kind: "deed", deed: deeds[0] });
}

function take(answer) {
  session.known = answer.known;
  session.events = answer.events;
  for (const event of answer.events) if (event.item?.title) titles.set(event.item_id, event.item.title);
}

function newest({ type, item }) {
  return session.events.find((event) => event.item_id === item.item_id && event.event_type === type)?.timestamp;
}

/** What the history says of an item: whether it is liked, lies in the cart, was bought. */
export function standing(id) {
  const types = session.events.filter((event) => event.item_id === id).map((event) => event.event_type);
  return { liked: types.includes("like"), bought: types.includes("purchase"), inCart: types.find((type) => BASKET.includes(type)) === "cart" };
}

/** The newest event of each item that lies in the cart. */
export function cart() {
  const seen = new Set();
  return session.events.filter(({ event_type: type, item_id: id }) => {
    if (!BASKET.includes(type) || seen.has(id)) return false;
    seen.add(id);
    return type === "cart";
  });
}

/** Titles of items by id; those that the history does not show are asked for once. */
export async function titlesOf(ids) {
  const missing = [...new Set(ids)].filter((id) => !titles.has(id));
  await Promise.all(missing.map(async (id) => {
    const found = await api.item(id).catch(() => null);
    titles.set(id, found?.title || String(id));
  }));
  return new Map(ids.map((id) => [id, titles.get(id)]));
}
