/** Who is shopping? Shoppers of the log to pick from, a search among them, and somebody new. */

import * as api from "./api.js";
import { pathWords } from "./catalog_words.js";
import { button, h, note, nothing } from "./dom.js";
import { counted, formatAgo, t, translatePage } from "./i18n.js";
import { attempt } from "./page.js";
import { startRows } from "./rows.js";
import { choose, session } from "./session.js";
import { randomName } from "./storage.js";

const SHOWN = 24;
const SHOWN_AT_START = 8; // so that the first row of products is in sight
const PAUSE_MS = 180;

/**
 * `done` is called after a shopper was picked; `refused` is one who could not be (`id`, `error`); `isStart` says that this
 * is where a visit begins: with rows of products.
 */
export function pickerView(done, refused = null, isStart = false) {
  const node = h("div", { class: "view picker" }, document.getElementById("picker").content.cloneNode(true));
  translatePage(node);
  const [title, field, results, trouble, fresh] = ["h1", "input", ".results", ".state", "button"].map((name) => node.querySelector(name));
  let isInteger = false;
  let timer = 0;

  const search = () => attempt(trouble, async () => {
    const query = field.value.trim();
    const { users } = await api.shoppers({ limit: isStart ? SHOWN_AT_START : SHOWN, query });
    if (query !== field.value.trim()) return;
    if (users.length) isInteger = typeof users[0].user_id !== "string";
    trouble.replaceChildren(users.length ? "" : nothing(t("picker.nobody", { query })));
    results.replaceChildren(...found(users, query));
  });

  function found(users, query) {
    const isKnown = !query || users.some((user) => String(user.user_id) === query);
    const fits = !isInteger || /^-?\d{1,18}$/.test(query);
    return [
      h("ul", { class: "shoppers" }, users.map(someone)),
      !isKnown && (fits ? button("primary", t("picker.create_named", { id: query }), () => open(query)) : nothing(t("picker.integer"))),
    ].filter(Boolean);
  }

  function someone({ user_id: id, events, last_seen: last, category }) {
    const words = [counted("picker.events", events), last && t("picker.seen", { ago: formatAgo(new Date(last)) }), category && pathWords(category)];
    const lines = words.filter(Boolean).map((line) => h("span", { class: "quiet" }, line));
    return h("li", {}, button("someone", [h("span", { class: "name" }, String(id)), ...lines], () => open(id)));
  }

  const open = (id) => attempt(trouble, async () => {
    await choose(id ?? (await unusedId(isInteger)));
    done();
  });

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE_MS);
  });
  fresh.addEventListener("click", () => open(null));
  if (refused) trouble.before(refusal(refused));
  if (isStart) node.append(startRows());
  if (session.id !== null) node.append(h("a", { href: "#/" }, t("picker.back", { shopper: String(session.id) })));
  search();
  return { node, title };
}

/** Why somebody of the address is not here, in the words of the API. */
function refusal({ id, error }) {
  return h("div", { class: "fault", role: "alert" }, h("p", {}, h("strong", {}, t("picker.refused", { id }))), note(error.message),
    error.expected && note(`${t("error.expected")}: ${error.expected}`));
}

/** An id of the shop's kind that nobody has yet. */
async function unusedId(isInteger) {
  for (;;) {
    const id = isInteger ? String(900000 + (parseInt(randomName(4), 16) % 100000)) : `guest-${randomName(3)}`;
    if (!(await api.shopper(id, 1)).known) return id;
  }
}
