/** The panels of the dashboard: each takes the whole data and shows its part. */

import { titleOf } from "./catalog_words.js";
import { chart, row } from "./charts.js";
import { fact, h, nothing } from "./dom.js";
import { counted, formatAgo, formatFixed, formatMoment, formatNumber, formatShare, t, wordFor } from "./i18n.js";

const OUTCOMES = ["clicked", "carted", "purchased"];

/** A section of the page; `fill` gets the data at each refresh and may give where counting began. */
function panel(name, body, fill) {
  const node = document.getElementById(name);
  const since = node.querySelector(".since");
  node.append(...body);
  return (data) => {
    const moment = fill(data);
    since.textContent = moment ? t("dashboard.since", { moment: formatMoment(new Date(moment)) }) : "";
  };
}

/** A panel of a chart; `spec` gives its series, unit and format. */
function plotted(name, kind, spec) {
  const plot = chart(kind);
  return panel(name, [plot.node], (data) => {
    const { since, ...drawn } = spec(data);
    plot.draw({ times: data.times, minutes: data.step_minutes, ...drawn });
    return since;
  });
}

/** A panel of rows with bars; `rowsOf` gives the rows. */
function listed(name, rowsOf, ...before) {
  const list = h("ul", { class: "rows" });
  return panel(name, [...before, list], (data) => {
    const rows = rowsOf(data);
    list.replaceChildren(...(rows.length ? rows : [h("li", {}, nothing(t("chart.empty")))]));
  });
}

const traffic = () => plotted("traffic", "lines", ({ traffic: { routes, unmatched, since }, times, now, step_minutes: minutes }) => {
  note("traffic", unmatched ? counted("traffic.unmatched", unmatched) : "");
  const elapsed = times.map((time) => Math.min(minutes, Math.max(1, (new Date(now) - new Date(time)) / 60000))); // the last is not over
  return { since, unit: t("unit.requests"), format: (value) => formatNumber(value, 2),
    series: routes.map((each) => ({ label: wordFor("route", each.route), values: each.requests.map((count, step) => count / elapsed[step]) })) };
});

const events = () => plotted("events", "bars", ({ events: { types } }) => ({
  unit: t("unit.events"), format: formatNumber,
  series: types.map((each) => ({ label: wordFor("event", each.event_type), values: each.counts })),
}));

const clicks = () => plotted("clicks", "lines", ({ recommendations: { steps, since } }) => ({
  since, unit: "%", format: (value) => formatNumber(100 * value, 1),
  series: OUTCOMES.map((name) => ({
    label: t(`clicks.${name}`), values: steps.answers.map((all, step) => (all ? steps[name][step] / all : null)),
  })),
}));

function latency() {
  const select = document.querySelector("#latency select");
  let last = null;
  const fill = plotted("latency", "lines", (data) => {
    last = data;
    const { routes, bound_ms: bound } = data.traffic;
    const chosen = routes.find((each) => each.route === select.value) ?? mainRoute(routes) ?? routes[0];
    if (routes.map((each) => each.route).join() !== [...select.options].map((each) => each.value).join()) {
      select.replaceChildren(...routes.map(({ route }) => h("option", { value: route }, wordFor("route", route))));
    }
    select.value = chosen?.route;
    return { unit: t("unit.ms"), format: (value) => formatLatency(value, bound),
      series: Object.entries(chosen?.latency ?? {}).map(([label, values]) => ({ label, values })) };
  });
  select.addEventListener("change", () => fill(last));
  return fill;
}

/** Rows of outcomes: how many of the answers were clicked, led to the cart, to a purchase. */
const outcomes = (name, wordOf) => listed(name, ({ recommendations }) => recommendations[name].map((each) => {
  const share = (part) => formatShare(each[part] / each.answers, 1);
  const detail = t("placements.detail", { answers: formatNumber(each.answers), carted: share("carted"), purchased: share("purchased") });
  return row(wordOf(each), share("clicked"), detail, [0, each.clicked / each.answers]);
}));

const placements = () => outcomes("placements", (each) => each.placement ?? t("placements.none"));
const models = () => outcomes("models", (each) => each.model);

const most = () => listed("most", ({ recommendations: { most: items } }) => items.map((each) => {
  const clicked = t("most.clicked", { n: formatNumber(each.clicked) });
  return row(titleOf(each), formatNumber(each.answers), clicked, [0, each.answers / items[0].answers]);
}));

function freshness() {
  const list = h("dl", { class: "facts" });
  return panel("freshness", [list], ({ freshness: each, bundle }) => list.replaceChildren(...facts("freshness", {
    last_event: each.last_event ? moment(each.last_event) : t("freshness.never"),
    created: moment(each.bundle_created),
    waiting: formatNumber(each.events_not_in_bundle) + (each.events_not_in_bundle === each.counted_to ? "+" : ""),
    bundle: bundle.bundle,
  })));
}

function card() {
  const list = h("dl", { class: "facts" });
  return listed("card", ({ bundle: { card: each, items, quality } }) => {
    const seconds = t("card.took", { n: formatNumber(each.seconds, 1) });
    list.replaceChildren(...facts("card", { model: each.model, items: formatNumber(items), events: formatNumber(each.data.events ?? 0), seconds }));
    if (!quality) return note("card", t("card.unmeasured")), [];
    note("card", t("card.measured", { part: wordFor("part", quality.part), model: quality.model, users: formatNumber(quality.users) }));
    return quality.rows.map(({ metric, value, low, high }) => {
      const span = low === null ? "" : `${formatFixed(low, 3)} – ${formatFixed(high, 3)}`;
      return row(`${t(`metric.${metric}`)} @ ${quality.k}`, formatFixed(value, 3), span, [low ?? 0, high ?? value, value]);
    });
  }, list);
}

/** The second line of words in the head of a panel. */
function note(name, words) {
  document.querySelector(`#${name} .more`).textContent = words;
}

/** The route of recommendations; none where none were asked for. */
export function mainRoute(routes) {
  return routes.find((each) => each.route.endsWith("/recommendations"));
}

/** Milliseconds in digits; what the histogram cannot tell apart is "≥ 1,000". */
export function formatLatency(value, bound) {
  return value >= bound ? `≥ ${formatNumber(bound)}` : formatNumber(value, value < 10 ? 1 : 0);
}

function facts(prefix, values) {
  return Object.entries(values).map(([name, value]) => fact(t(`${prefix}.${name}`), value));
}

function moment(text) {
  const date = new Date(text);
  return h("time", { datetime: text, title: formatMoment(date) }, formatAgo(date));
}

/** Functions that take the data and show it. */
export function startPanels() {
  return [clicks(), traffic(), events(), freshness(), placements(), models(), latency(), most(), card()];
}
