/** Who is shopping, and what they did: the state that all views of the storefront share. */

import * as api from "./api.js";
import { randomName, remember, remembered } from "./storage.js";

export const LATEST = 100; // events that are asked for
const PATIENCE_MS = [0, 120, 250, 400, 700]; // another worker may need a moment to read an event that one took
const BASKET = ["cart", "purchase"];

const watchers = new Set();
const titles = new Map();
const visit = remembered("visit", "sessionStorage") ?? randomName(8);
remember("visit", visit, "sessionStorage");

/** `events`: the latest, newest first, each with its `item`. */
export const session = { id: null, events: [] };

/** Calls a function after each change, with what the shopper did if that was it; gives the function that ends it. */
export function watch(callback) {
  watchers.add(callback);
  return () => watchers.delete(callback);
}

function changed(deed = null) {
  for (const callback of [...watchers]) callback(deed);
}

/** Makes somebody the shopper of this page; the address of the page names them from then on. */
export async function choose(id) {
  const answer = await api.shopper(id, LATEST);
  session.id = answer.user_id;
  take(answer);
  const address = new URL(location.href);
  address.searchParams.set("shopper", String(session.id));
  history.replaceState(null, "", address);
  remember("shopper", String(session.id));
  changed();
}

/** Somebody of the address, or of the last visit. */
export function lastShopper() {
  return new URL(location.href).searchParams.get("shopper") ?? remembered("shopper");
}

/** Sends what the shopper did (each a `type` and an `item`) in a place, and waits until their history shows it. */
export async function act(deeds, place) {
  const [first] = deeds;
  const before = newest(first);
  const user = session.id;
  await api.sendEvents(deeds.map((deed) => ({ ...eventOf(deed), user_id: user, ...place })));
  for (const wait of PATIENCE_MS) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const answer = await api.shopper(user, LATEST);
    if (session.id !== user) return;
    take(answer);
    if (first.type === "remove_from_cart" ? !standing(first.item.item_id).inCart : newest(first) !== before) break;
  }
  changed(first);
}

function eventOf({ type, item }) {
  const bought = { quantity: 1, ...(typeof item.price === "number" && { price: item.price }) };
  return { event_id: randomName(), session_id: visit, event_type: type, item_id: item.item_id, ...(BASKET.includes(type) && bought) };
}

function take({ events }) {
  session.events = events.map((event) => ({ ...event, item: { item_id: event.item_id, ...event.item } }));
  for (const { item } of session.events) if (item.title) titles.set(item.item_id, item.title);
}

function newest({ type, item }) {
  return session.events.find((event) => event.item_id === item.item_id && event.event_type === type)?.timestamp;
}

/** What the history says of an item: whether it is liked and whether it lies in the cart. */
export function standing(id) {
  const types = session.events.filter((event) => event.item_id === id).map((event) => event.event_type);
  return { liked: types.includes("like"), inCart: types.find((type) => BASKET.includes(type)) === "cart" };
}

/** The items that lie in the cart. */
export function cart() {
  const basket = session.events.filter((event) => BASKET.includes(event.event_type));
  const items = new Map(basket.map(({ item }) => [item.item_id, item]));
  return [...items.values()].filter((item) => standing(item.item_id).inCart);
}

/** Titles of items by id; those that the history does not show are asked for once. */
export async function titlesOf(ids) {
  await Promise.all(ids.filter((id) => !titles.has(id)).map(async (id) => {
    const found = await api.item(id).catch(() => null);
    titles.set(id, found?.title || String(id));
  }));
  return titles;
}
