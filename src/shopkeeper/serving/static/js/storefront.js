/** The storefront: which view an address shows, for which shopper. */

import { startAside } from "./aside.js";
import { catalogAddress, catalogView } from "./catalog.js";
import { homeView } from "./home.js";
import { errorBox, startPage } from "./page.js";
import { pickerView } from "./picker.js";
import { productView } from "./product.js";
import { choose, lastShopper, session } from "./session.js";
import { remember } from "./storage.js";

const [main, aside, search] = ["main", "aside", "search"].map((id) => document.getElementById(id));
let current = null;
let wanted = "#/"; // where somebody goes who was chosen on the way
let refused = null;

function viewOf(address) {
  const [path, parameters] = address.split("?");
  const item = path.match(/^#\/item\/(.+)$/);
  if (path === "#/shoppers") return pickerView(goOn, refused);
  wanted = session.id === null && (item || path === "#/catalog") ? address : "#/";
  if (item) return productView(decodeURIComponent(item[1]));
  if (path === "#/catalog") return catalogView(new URLSearchParams(parameters));
  return session.id === null ? pickerView(goOn, refused, true) : homeView();
}

function goOn() {
  refused = null;
  if (location.hash === wanted || (wanted === "#/" && !location.hash)) show();
  else location.hash = wanted;
}

function show(isFirst = false) {
  if (!isFirst && location.hash && !location.hash.startsWith("#/")) return;
  current?.leave?.();
  current = viewOf(location.hash);
  main.replaceChildren(current.node);
  search.elements.query.value = new URLSearchParams(location.hash.split("?")[1]).get("query") ?? "";
  document.title = `${current.title.textContent} · Shopkeeper`;
  if (!isFirst) {
    scrollTo(0, 0);
    current.title.focus({ preventScroll: true });
  }
}

async function open() {
  try {
    if (lastShopper() !== null) await choose(lastShopper());
  } catch (error) {
    if (error.status !== 404 && error.status !== 422) return main.replaceChildren(errorBox(error, open));
    refused = { id: lastShopper(), error }; // an address of another shop
    remember("shopper", null);
  }
  show(true);
}

startPage();
startAside(aside);
search.addEventListener("submit", (event) => {
  event.preventDefault();
  location.hash = catalogAddress(search.elements.query.value.trim(), "");
});
addEventListener("hashchange", () => show());
open();
