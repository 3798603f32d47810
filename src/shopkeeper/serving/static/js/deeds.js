/** The buttons under an item: view, like, put in the cart, buy. */

import { titleOf } from "./catalog_words.js";
import { button, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { attempt, say } from "./page.js";
import { act, session, standing, watch } from "./session.js";

const TYPES = ["view", "like", "cart", "purchase"];

/**
 * `place` gives where the item is shown: `placement`, and of a recommended one `recommendation_id` and `position`.
 * `update` shows what the history says now. Where nobody was chosen there is nothing to press: a link leads to the shoppers.
 */
export function deeds(item, place) {
  if (session.id === null) return { node: h("div", { class: "deeds nobody" }, h("a", { href: "#/shoppers" }, t("deeds.nobody"))), update: () => {} };
  const trouble = h("div", { class: "trouble" });
  const buttons = new Map(TYPES.map((type) => [type, button(`deed ${type}`, [icon(type), h("span", {}, t(`deed.${type}`))], () => press(type))]));
  const label = t("deeds.label", { title: titleOf(item) });
  const node = h("div", { class: "deeds", role: "group", "aria-label": label }, ...buttons.values(), trouble);

  async function press(type) {
    const pressed = buttons.get(type);
    if (pressed.getAttribute("aria-disabled") === "true") return;
    pressed.setAttribute("aria-disabled", "true");
    await attempt(trouble, async () => {
      await act([{ type, item }], place());
      trouble.replaceChildren();
    });
    update();
  }

  function update() {
    const { liked, inCart } = standing(item.item_id);
    const soldOut = item.available === false;
    for (const [type, each] of buttons) {
      each.setAttribute("aria-disabled", String((type === "cart" && (soldOut || inCart)) || (type === "purchase" && soldOut)));
    }
    buttons.get("like").setAttribute("aria-pressed", String(liked));
    buttons.get("cart").classList.toggle("done", inCart);
    buttons.get("cart").lastChild.textContent = t(inCart ? "deed.cart.done" : "deed.cart");
  }

  update();
  return { node, update };
}

/** Keeps cards as the history says until the function that it gives is called, and says what the shopper did. */
export function follow(cards) {
  return watch((deed) => {
    for (const each of cards) each.update();
    if (deed) say(deedSentence(deed));
  });
}

/** "You put Milk in the cart." */
export function deedSentence({ type, item }) {
  return t(`deed.${type}.said`, { title: titleOf(item) });
}
