/** The dashboard: asks for its data every few seconds and gives them to the panels. */

import * as api from "./api.js";
import { fact } from "./dom.js";
import { formatAgo, formatNumber, formatShare, locale, t } from "./i18n.js";
import { attempt, startPage } from "./page.js";
import { formatLatency, mainRoute, startPanels } from "./panels.js";
import { remember, remembered } from "./storage.js";

const EVERY_MS = 5000;
const [range, pause, trouble, figures, updated, scope, waiting] = ["range", "pause", "trouble", "figures", "updated", "scope", "waiting"].map((id) => document.getElementById(id));
const panels = startPanels();
let turn = 0;
let timer = 0;

async function refresh() {
  clearTimeout(timer);
  const mine = (turn += 1);
  await attempt(trouble, async () => {
    const data = await api.dashboard(range.elements.hours.value);
    if (mine !== turn) return;
    trouble.replaceChildren();
    show(data);
  });
  if (mine === turn) timer = setTimeout(next, EVERY_MS);
}

/** Nothing is asked for while nobody looks. */
function next() {
  if (document.hidden || isPaused()) timer = setTimeout(next, EVERY_MS);
  else refresh();
}

const isPaused = () => pause.getAttribute("aria-pressed") === "true";

function show(data) {
  figures.replaceChildren(...Object.entries(figuresOf(data)).map(([name, value]) => fact(t(`figure.${name}`), value)));
  updated.textContent = t("dashboard.updated", { time: new Date(data.now).toLocaleTimeString(locale) });
  scope.textContent = scopeOf(data);
  waiting.textContent = waitingOf(data.waiting);
  for (const fill of panels) fill(data);
}

/** What was counted, of whom, from when to when, in which time zone. */
function scopeOf({ from, now, step_minutes: minutes }) {
  const moment = (text) => new Date(text).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
  const zone = Intl.DateTimeFormat(locale).resolvedOptions().timeZone;
  const words = t("dashboard.scope", { from: moment(from), to: moment(now), zone });
  return minutes > 60 ? `${words} ${t("dashboard.steps")}` : words;
}

function waitingOf({ events, answers }) {
  return events || answers ? t("dashboard.waiting", { events: formatNumber(events), answers: formatNumber(answers) }) : "";
}

function figuresOf({ traffic: { routes, bound_ms: bound }, recommendations: { total, coverage }, freshness: { last_event: last }, hours }) {
  const requests = routes.flatMap((each) => each.requests).reduce((sum, count) => sum + count, 0);
  const slow = mainRoute(routes)?.whole.p95;
  const share = (part, whole) => (whole ? formatShare(part / whole, 1) : "–");
  return {
    clicked: share(total.clicked, total.answers),
    purchased: share(total.purchased, total.answers),
    coverage: share(coverage.shown, coverage.catalog),
    fallback: share(total.fallback, total.items),
    requests: formatNumber(requests / (hours * 60), 1),
    p95: slow === undefined ? "–" : `${formatLatency(slow, bound)} ${t("unit.ms")}`,
    last_event: last ? formatAgo(new Date(last), "short") : "–",
  };
}

startPage();
document.title = `${t("page.dashboard")} · Shopkeeper`;
range.elements.hours.value = remembered("hours") ?? "24";
range.addEventListener("change", () => {
  remember("hours", range.elements.hours.value);
  refresh();
});
pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!isPaused()));
  if (!isPaused()) refresh();
});
refresh();
