/** The list of recommendations: it answers to every click, and shows what is new and what moved up. */

import * as api from "./api.js";
import { card, waiting } from "./cards.js";
import { categoryField } from "./category_field.js";
import { deedSentence } from "./deeds.js";
import { arrange, h } from "./dom.js";
import { counted, formatNumber, t } from "./i18n.js";
import { errorBox, say } from "./page.js";
import { reasonItems } from "./reasons.js";
import { session, titlesOf, watch } from "./session.js";

const LENGTH = 12;
const FIELDS = ["title", "category", "brand", "price", "image"];
const PLACEMENT = "storefront";

let lastSeen = { shopper: null, category: "", ranks: new Map() };

export function homeView() {
  const list = h("ol", { class: "cards", "aria-label": t("home.list") });
  const state = h("div", { class: "state" });
  const strip = h("p", { class: "strip" });
  const welcome = h("p", { class: "welcome" });
  const title = h("h1", { tabindex: "-1" });
  const filter = categoryField(lastSeen.shopper === session.id ? lastSeen.category : "", () => refresh({ isFiltered: true }));
  const cards = new Map();
  let answer = null;
  let turn = 0;

  async function refresh({ deed = null, isFiltered = false } = {}) {
    const mine = (turn += 1);
    title.textContent = t("home.title", { shopper: String(session.id) });
    welcome.textContent = session.events.length ? "" : t("home.empty");
    if (!answer) list.replaceChildren(...waiting(6));
    list.setAttribute("aria-busy", "true");
    try {
      const found = await api.recommend(question());
      const titles = await titlesOf(found.answer.items.flatMap((row) => reasonItems(row.reason)));
      if (mine === turn) show(found, titles, deed, isFiltered);
    } catch (error) {
      if (mine !== turn) return;
      state.replaceChildren(errorBox(error, () => refresh({ deed })));
      if (!answer) list.replaceChildren();
    }
    if (mine === turn) list.removeAttribute("aria-busy");
  }

  function question() {
    return { user_id: session.id, k: LENGTH, placement: PLACEMENT, explain: true, fields: FIELDS,
      ...(filter.value() && { filters: { category: filter.value() } }) };
  }

  function show(found, titles, deed, isFiltered) {
    answer = found.answer;
    state.replaceChildren(answer.items.length ? "" : h("p", { class: "nothing" }, t("home.nothing")));
    strip.replaceChildren(...stripParts(found));
    const marks = marksOf(answer.items, isFiltered || lastSeen.category !== filter.value());
    arrange(list, answer.items.map((row) => place(row, titles, marks)));
    if (deed) say(`${deedSentence(deed)} ${changeSentence(marks)}`);
    lastSeen = { shopper: session.id, category: filter.value(), ranks: new Map(answer.items.map((row) => [row.item_id, row.rank])) };
  }

  function place(row, titles, marks) {
    if (!cards.has(row.item_id)) {
      const position = () => answer.items.find((each) => each.item_id === row.item_id)?.rank;
      cards.set(row.item_id, card({ item_id: row.item_id, ...row.item },
        () => ({ placement: PLACEMENT, recommendation_id: answer.recommendation_id, position: position() })));
    }
    const made = cards.get(row.item_id);
    made.update(row, titles, marks.get(row.item_id) ?? null);
    return made.node;
  }

  const leave = watch(({ kind, deed }) => {
    if (kind === "deed") refresh({ deed });
  });
  const head = h("div", { class: "head" }, h("div", {}, title, strip), filter.node);
  refresh();
  return { node: h("div", { class: "view home" }, head, welcome, state, list), title, leave };
}

function marksOf(rows, isOtherList) {
  if (isOtherList || lastSeen.shopper !== session.id) return new Map();
  const marks = rows.map(({ item_id: id, rank }) => {
    const before = lastSeen.ranks.get(id);
    return [id, before === undefined ? "new" : before > rank ? before - rank : null];
  });
  return new Map(marks.filter(([, mark]) => mark !== null));
}

function changeSentence(marks) {
  const fresh = [...marks.values()].filter((mark) => mark === "new").length;
  const up = marks.size - fresh;
  if (!marks.size) return t("change.none");
  return [fresh && counted("change.new", fresh), up && counted("change.up", up)].filter(Boolean).join(" ");
}

function stripParts({ answer, milliseconds }) {
  const parts = [
    t("strip.model", { model: answer.source }),
    t("strip.took", { ms: formatNumber(milliseconds, milliseconds < 10 ? 1 : 0) }),
    answer.fallback ? counted("strip.fallback", answer.fallback, { all: formatNumber(answer.items.length) }) : t("strip.no_fallback"),
    t("strip.bundle", { bundle: answer.bundle }),
  ];
  return parts.map((part) => h("span", {}, part));
}

