/** The list of recommendations: it answers to every click, and shows what is new and what moved up. */

import * as api from "./api.js";
import { card, waiting } from "./cards.js";
import { categoryField } from "./category_field.js";
import { deedSentence } from "./deeds.js";
import { arrange, h, nothing } from "./dom.js";
import { counted, formatNumber, t } from "./i18n.js";
import { attempt, say } from "./page.js";
import { reasonItems } from "./reasons.js";
import { session, titlesOf, watch } from "./session.js";

const LENGTH = 12;
const FIELDS = ["title", "category", "brand", "price"];
const PLACEMENT = "storefront";

/** The list that the shopper saw last, also before they looked at another view. */
let lastSeen = { shopper: null, category: "", ranks: new Map() };

export function homeView() {
  const title = h("h1", { tabindex: "-1" }, t("home.title", { shopper: String(session.id) }));
  const strip = h("p", { class: "strip" });
  const welcome = h("p", { class: "welcome" });
  const state = h("div", { class: "state" });
  const list = h("ol", { class: "cards", "aria-label": t("home.list") }, waiting(6));
  const filter = categoryField(lastSeen.shopper === session.id ? lastSeen.category : "", () => refresh());
  const cards = new Map();
  let answer = null;
  let turn = 0;

  async function refresh(deed = null) {
    const mine = (turn += 1);
    const category = filter.value();
    const filters = category ? { category } : {};
    const question = { user_id: session.id, k: LENGTH, placement: PLACEMENT, explain: true, fields: FIELDS, filters };
    welcome.textContent = session.events.length ? "" : t("home.empty");
    list.setAttribute("aria-busy", "true");
    await attempt(state, async () => {
      const found = await api.recommend(question);
      const titles = await titlesOf(found.answer.items.flatMap((row) => reasonItems(row.reason)));
      if (mine === turn) show(found, titles, category, deed);
    }, () => answer || list.replaceChildren());
    if (mine === turn) list.removeAttribute("aria-busy");
  }

  function show(found, titles, category, deed) {
    answer = found.answer;
    state.replaceChildren(answer.items.length ? "" : nothing(t("home.nothing")));
    strip.replaceChildren(...stripParts(found));
    const isSameList = lastSeen.shopper === session.id && lastSeen.category === category;
    const marks = isSameList ? marksOf(answer.items) : new Map();
    arrange(list, answer.items.map((row) => place(row, titles, marks.get(row.item_id))));
    if (deed) say(`${deedSentence(deed)} ${changeSentence(marks)}`);
    lastSeen = { shopper: session.id, category, ranks: new Map(answer.items.map((row) => [row.item_id, row.rank])) };
  }

  function place(row, titles, mark) {
    const { item_id: id, item } = row;
    if (!cards.has(id)) cards.set(id, card({ item_id: id, ...item }, () => ({
      placement: PLACEMENT, recommendation_id: answer.recommendation_id, position: lastSeen.ranks.get(id),
    })));
    cards.get(id).update(row, titles, mark);
    return cards.get(id).node;
  }

  refresh();
  const head = h("div", { class: "head" }, strip, filter.node);
  return { node: h("div", { class: "view" }, title, head, welcome, state, list), title, leave: watch(refresh) };
}

/** For each item that is new "new", for each that moved up how far. */
function marksOf(rows) {
  return new Map(rows.flatMap(({ item_id: id, rank }) => {
    const before = lastSeen.ranks.get(id);
    if (before === undefined) return [[id, "new"]];
    return before > rank ? [[id, before - rank]] : [];
  }));
}

function changeSentence(marks) {
  const fresh = [...marks.values()].filter((mark) => mark === "new").length;
  const up = marks.size - fresh;
  if (!marks.size) return t("change.none");
  return [fresh && counted("change.new", fresh), up && counted("change.up", up)].filter(Boolean).join(" ");
}

function stripParts({ answer: { source, fallback, items, bundle }, milliseconds }) {
  const parts = [
    t("strip.model", { model: source }),
    t("strip.took", { ms: formatNumber(milliseconds) }),
    fallback ? t("strip.fallback", { n: formatNumber(fallback), all: formatNumber(items.length) }) : t("strip.no_fallback"),
    t("strip.bundle", { bundle }),
  ];
  return parts.map((part) => h("span", {}, part));
}
