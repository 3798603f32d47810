/** The question for an API key, where a server wants one. */

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** Shows a dialog until a key is given. */
export function askForKey(wasRefused) {
  return new Promise((resolve) => {
    const field = h("input", { id: "api-key", type: "password", autocomplete: "off", spellcheck: "false", required: true });
    const form = h("form", { method: "dialog" },
      h("h2", { id: "key-title" }, t("key.title")),
      h("p", {}, t("key.why")),
      wasRefused && h("p", { class: "fault", role: "alert" }, t("key.refused")),
      h("label", { for: "api-key" }, t("key.label")),
      field,
      h("button", { class: "primary" }, t("key.send")));
    const dialog = h("dialog", { "aria-labelledby": "key-title", cancel: (event) => event.preventDefault() }, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close();
      dialog.remove();
      resolve(field.value);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
