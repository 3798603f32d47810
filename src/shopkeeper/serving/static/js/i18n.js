/** Words in the language of the page: the files under `words/` have the same keys. */

import { remember } from "./storage.js";

export const locale = document.documentElement.lang;
const language = locale.startsWith("zh") ? "zh" : "en";
const words = await load();
const plural = new Intl.PluralRules(locale);

async function load() {
  const answer = await fetch(new URL(`../words/${language}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`no words for ${language}: ${answer.status}`);
  return answer.json();
}

/** The words of a key; `{name}` in them becomes the value of that name. */
export function t(key, values = {}) {
  return pieces(key, values).join("");
}

/** The same where values may be elements: a list of texts and elements. */
export function pieces(key, values = {}) {
  const text = words[key];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text.split(/\{(\w+)\}/).map((part, place) => (place % 2 ? values[part] : part));
}

/** Words that depend on a number: `key.one`, `key.other`. */
export function counted(key, number, values = {}) {
  return t(`${key}.${plural.select(number)}`, { n: formatNumber(number), ...values });
}

/** Words for a name out of the API, which may be newer than this page: then the API's own word is shown. */
export function wordFor(prefix, name, otherwise = name) {
  return words[`${prefix}.${name}`] ?? otherwise;
}

/** Puts words into the elements that name a key: `data-t` for the text, `data-t-NAME` for an attribute. */
export function translatePage(root = document) {
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const name of ["aria-label", "placeholder"]) {
    for (const element of root.querySelectorAll(`[data-t-${name}]`)) {
      element.setAttribute(name, t(element.getAttribute(`data-t-${name}`)));
    }
  }
}

export function switchLanguage() {
  remember("language", language === "zh" ? "en" : "zh");
  location.reload();
}

export function formatNumber(value, digits = 0) {
  return value.toLocaleString(locale, { maximumFractionDigits: digits });
}

export function formatFixed(value, digits = 2) {
  return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function formatShare(value, digits = 0) {
  return value.toLocaleString(locale, { style: "percent", maximumFractionDigits: digits });
}

const UNITS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7]];

/** "5 minutes ago" within a week, else the date. */
export function formatAgo(date, style = "long") {
  let amount = (date.getTime() - Date.now()) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(amount) < size) return new Intl.RelativeTimeFormat(locale, { numeric: "auto", style }).format(Math.round(amount), unit);
    amount /= size;
  }
  return date.toLocaleDateString(locale, { dateStyle: "medium" });
}

export function formatMoment(date) {
  return date.toLocaleString(locale, { dateStyle: "full", timeStyle: "medium" });
}
