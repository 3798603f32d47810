/** The question for an API key, where a server wants one. */

/** Shows the dialog of the page until a key is given. */
export function askForKey(wasRefused) {
  const dialog = document.getElementById("key");
  const form = dialog.querySelector("form");
  document.getElementById("key-refused").hidden = !wasRefused;
  dialog.oncancel = (event) => event.preventDefault();
  form.reset();
  dialog.showModal();
  return new Promise((resolve) => {
    form.onsubmit = () => resolve(form.elements["api-key"].value);
  });
}
