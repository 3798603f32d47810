/** Who is shopping? Shoppers of the log to pick from, a search among them, and somebody new. */

import * as api from "./api.js";
import { h } from "./dom.js";
import { counted, t } from "./i18n.js";
import { errorBox } from "./page.js";
import { choose, session } from "./session.js";
import { randomName } from "./storage.js";

const SHOWN = 24;
const PAUSE_MS = 180;

/** @param {Function} done Called after a shopper was picked. */
export function pickerView(done) {
  const title = h("h1", { tabindex: "-1" }, t("picker.title"));
  const field = h("input", { id: "shopper-search", type: "search", autocomplete: "off", spellcheck: "false", placeholder: t("picker.placeholder") });
  const results = h("div", { class: "results", "aria-live": "polite" });
  const trouble = h("div", { class: "state" });
  let isInteger = false;
  let timer = 0;
  let turn = 0;

  async function search() {
    const mine = (turn += 1);
    const query = field.value.trim();
    try {
      const { users } = await api.shoppers({ limit: SHOWN, query });
      if (mine !== turn) return;
      if (users.length) isInteger = typeof users[0].user_id !== "string";
      results.replaceChildren(...found(users, query));
    } catch (error) {
      if (mine === turn) results.replaceChildren(errorBox(error, search));
    }
  }

  function found(users, query) {
    const isExact = users.some((user) => String(user.user_id) === query);
    const fits = query && !isExact && (!isInteger || /^-?\d{1,18}$/.test(query));
    return [
      users.length ? h("ul", { class: "shoppers" }, users.map((user) => h("li", {}, someone(user)))) : h("p", { class: "nothing" }, t("picker.nobody", { query })),
      fits && h("button", { type: "button", class: "primary", click: () => open(query) }, t("picker.create_named", { id: query })),
      query && !fits && !isExact && h("p", { class: "quiet" }, t("picker.integer")),
    ].filter(Boolean);
  }

  function someone(user) {
    return h("button", { type: "button", class: "someone", click: () => open(user.user_id) },
      h("span", { class: "name" }, String(user.user_id)), h("span", { class: "quiet" }, counted("picker.events", user.events)));
  }

  async function open(id) {
    try {
      await choose(id);
      done();
    } catch (error) {
      trouble.replaceChildren(errorBox(error));
    }
  }

  async function create() {
    try {
      open(await unusedId(isInteger));
    } catch (error) {
      trouble.replaceChildren(errorBox(error, create));
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE_MS);
  });
  search();
  const node = h("div", { class: "view picker" }, title, h("p", { class: "lead" }, t("picker.lead")),
    h("div", { class: "newcomer" }, h("div", {}, h("h2", {}, t("picker.new_title")), h("p", {}, t("picker.new_why"))),
      h("button", { type: "button", class: "primary", click: create }, t("picker.new"))),
    h("div", { class: "field" }, h("label", { for: "shopper-search" }, t("picker.label")), field), trouble, results,
    session.id !== null && h("a", { href: "#/" }, t("picker.back", { shopper: String(session.id) })));
  return { node, title };
}

/** An id of the shop's kind that nobody has yet. */
async function unusedId(isInteger) {
  for (;;) {
    const id = isInteger ? String(900000 + (parseInt(randomName(4), 16) % 100000)) : `guest-${randomName(3)}`;
    if (!(await api.shopper(id, 1)).known) return id;
  }
}
