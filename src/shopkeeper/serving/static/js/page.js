/** What both pages have: translated frame, switches for color and language, a line that says what happened. */

import { button, fact, h, note } from "./dom.js";
import { switchLanguage, t, translatePage } from "./i18n.js";
import { icon } from "./icons.js";
import { remember } from "./storage.js";

const root = document.documentElement;
const machine = matchMedia("(prefers-color-scheme: dark)");
let timer = 0;

export function startPage() {
  translatePage();
  const theme = document.getElementById("theme");
  const paint = () => theme.replaceChildren(icon(isDark() ? "sun" : "moon"));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
    paint();
  });
  paint();
  machine.addEventListener("change", paint);
  document.getElementById("language").addEventListener("click", switchLanguage);
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  root.classList.remove("waiting");
}

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : machine.matches);

/** Says in a line at the foot of the page, and to screen readers, what has just happened. */
export function say(text) {
  const line = document.getElementById("said");
  line.textContent = text;
  line.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => line.classList.remove("shown"), 7000);
}

/** Does something that may fail; its error fills a box, with a button that tries again. */
export async function attempt(box, work, failed = () => {}) {
  try {
    await work();
  } catch (error) {
    failed();
    box.replaceChildren(errorBox(error, () => attempt(box, work, failed)));
  }
}

/** A box with the API's own words about an error. */
export function errorBox(error, again = null) {
  if (error.status === undefined) throw error; // a fault of the page itself belongs in the console
  const facts = ["expected", "got", "remedy"].filter((name) => error[name]);
  return h("div", { class: "fault", role: "alert" },
    h("p", {}, h("strong", {}, error.message)),
    facts.length > 0 && h("dl", {}, facts.map((name) => fact(t(`error.${name}`), error[name]))),
    error.requestId && note(t("error.request", { id: error.requestId })),
    again && button("plain", t("error.again"), again));
}
