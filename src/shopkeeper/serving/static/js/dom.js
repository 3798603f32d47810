/** Elements by small functions. Text is always text: a product title can never become markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * One element. Of the attributes null, undefined and false leave one out, true gives an empty one, a function is a
 * listener. Children may be lists; null and false are left out.
 */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for a part of a drawing. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const button = (className, words, click) => h("button", { type: "button", class: className, click }, words);
export const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
export const note = (...words) => h("p", { class: "quiet" }, ...words);
export const nothing = (words) => h("p", { class: "nothing" }, words);

/**
 * Makes the children of a list be these nodes in this order. Nodes glide to their new place. Focus stays on its element,
 * and goes to the node in the same place where that element has left the list.
 */
export function arrange(parent, nodes) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const place = [...parent.children].findIndex((child) => child.contains(focused));
  const before = new Map([...parent.children].map((child) => [child, child.getBoundingClientRect()]));
  parent.replaceChildren(...nodes);
  const heir = parent.contains(focused) ? focused : nodes[Math.min(place, nodes.length - 1)]?.querySelector("a, button");
  if (focused) heir?.focus({ preventScroll: true });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const node of nodes) glide(node, before.get(node));
}

function glide(node, old) {
  const now = node.getBoundingClientRect();
  const from = old ? { transform: `translate(${old.left - now.left}px, ${old.top - now.top}px)` } : { opacity: 0, transform: "translateY(8px)" };
  if (!old || old.left !== now.left || old.top !== now.top) node.animate([from, {}], { duration: 400, easing: "cubic-bezier(.2,.7,.2,1)" });
}
