/** The buttons under an item: view, like, put in the cart, buy. */

import { calm, titleOf } from "./catalog_words.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { errorBox } from "./page.js";
import { act, standing } from "./session.js";

const TYPES = ["view", "like", "cart", "purchase"];

/**
 * @param {Object} item The item.
 * @param {Function} place Gives where it is shown: `placement`, and of a recommended item `recommendation_id` and `position`.
 * @returns {{node: Element, update: Function}} `update` shows what the history says now.
 */
export function deeds(item, place) {
  const trouble = h("div", { class: "trouble" });
  const buttons = new Map(TYPES.map((type) => [type, button(type, () => press(type))]));
  const label = t("deeds.label", { title: calm(titleOf(item)) });
  const node = h("div", { class: "deeds", role: "group", "aria-label": label }, [...buttons.values()], trouble);

  async function press(type) {
    const pressed = buttons.get(type);
    if (pressed.getAttribute("aria-disabled") === "true") return;
    pressed.setAttribute("aria-disabled", "true");
    trouble.replaceChildren();
    try {
      await act([{ type, item }], place());
    } catch (error) {
      trouble.replaceChildren(errorBox(error, () => press(type)));
    }
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

function button(type, click) {
  return h("button", { type: "button", class: `deed ${type}`, click }, icon(type), h("span", {}, t(`deed.${type}`)));
}

/** "You put Milk in the cart." */
export function deedSentence({ type, item }) {
  return t(`deed.${type}.said`, { title: calm(titleOf(item)) });
}
