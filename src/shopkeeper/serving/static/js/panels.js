/** The panels of the dashboard: each takes the whole data and shows its part. */

import { titleOf } from "./catalog_words.js";
import { chart, row } from "./charts.js";
import { fact, h, nothing } from "./dom.js";
import { formatAgo, formatFixed, formatMoment, formatNumber, formatShare, t, wordFor } from "./i18n.js";

const METRICS = ["hit_rate", "ndcg", "recall", "precision", "mrr", "map"];
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

const traffic = () => plotted("traffic", "lines", ({ traffic: { routes }, times, now, step_minutes: minutes }) => {
  const elapsed = times.map((time) => Math.min(minutes, Math.max(1, (new Date(now) - new Date(time)) / 60000))); // the last is not over
  return { unit: t("unit.requests"), format: (value) => formatNumber(value, 2),
    series: routes.map((each) => ({ label: wordFor("route", each.route), values: each.requests.map((count, step) => count / elapsed[step]) })) };
});

const events = () => plotted("events", "bars", ({ events: { types, since } }) => ({
  since, unit: t("unit.events"), format: formatNumber,
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
    const chosen = routes.find((each) => each.route === select.value) ?? mainRoute(routes);
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

const placements = () => listed("placements", ({ recommendations }) => recommendations.placements.map((each) => {
  const share = (name) => formatShare(each[name] / each.answers, 1);
  const detail = t("placements.detail", { answers: formatNumber(each.answers), carted: share("carted"), purchased: share("purchased") });
  return row(each.placement ?? t("placements.none"), share("clicked"), detail, [0, each.clicked / each.answers]);
}));

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
  return listed("card", ({ bundle: { card: each, items } }) => {
    const seconds = t("card.took", { n: formatNumber(each.seconds, 1) });
    list.replaceChildren(...facts("card", { model: each.model, items: formatNumber(items), events: formatNumber(each.data.events ?? 0), seconds }));
    return metricsOf(each).map(({ metric, k, value, low, high }) =>
      row(`${t(`metric.${metric}`)} @ ${k}`, formatFixed(value, 3), `${formatFixed(low, 3)} – ${formatFixed(high, 3)}`, [low, high, value]));
  }, list);
}

/** Quality on the test part over all shoppers, of what is served, for the list length nearest to ten. */
function metricsOf({ metrics }) {
  const whole = metrics.filter((each) => each.part === "test" && !each.segment && METRICS.includes(each.metric));
  const nearest = Math.min(...whole.map((each) => Math.abs(each.k - 10)));
  const last = whole.at(-1)?.model;
  return whole.filter((each) => Math.abs(each.k - 10) === nearest && each.model === last)
    .sort((one, other) => METRICS.indexOf(one.metric) - METRICS.indexOf(other.metric));
}

export function mainRoute(routes) {
  return routes.find((each) => each.route.endsWith("/recommendations")) ?? routes[0];
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
  return [clicks(), traffic(), events(), freshness(), placements(), latency(), most(), card()];
}
