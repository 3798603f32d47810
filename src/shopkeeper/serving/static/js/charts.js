/** Charts over time as SVG: lines and stacked bars, drawn anew only where something has changed. */

import { h, nothing, svg } from "./dom.js";
import { locale, t } from "./i18n.js";

const HEIGHT = 220;
const LEFT = 46;
const TOP = 22;
const BOTTOM = 26;
const TWO_DAYS = 2880; // minutes

/**
 * Lines, or bars that stand on each other. `draw` takes `times` (ISO texts), `minutes` (length of a step), `series`
 * (`label`, `values` with null for none), `unit` and `format` (number to text).
 */
export function chart(kind) {
  const drawing = h("div");
  const legend = h("ul", { class: `legend ${kind}` });
  const table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("chart.table") });
  const details = h("details", { toggle: fillTable }, h("summary", {}, t("chart.table")), table);
  let data = null;
  let drawn = "";

  function draw(next) {
    data = next;
    const width = Math.max(260, drawing.clientWidth);
    const key = JSON.stringify([width, data.times, data.series]);
    if (key === drawn) return;
    drawn = key;
    const isEmpty = !data.series.some((each) => each.values.some((value) => value !== null));
    drawing.replaceChildren(isEmpty ? nothing(t("chart.empty")) : plot(kind, data, width));
    legend.replaceChildren(...(isEmpty ? [] : data.series.map((each, place) => h("li", { class: `s${place}` }, each.label))));
    details.hidden = isEmpty;
    fillTable();
  }

  function fillTable() {
    if (details.open && data) table.replaceChildren(tableOf(data));
  }

  new ResizeObserver(() => data && draw(data)).observe(drawing);
  return { node: h("figure", { class: "chart" }, drawing, legend, details), draw };
}

function plot(kind, { times, minutes, series, unit, format }, width) {
  const sums = times.map((_, step) => series.reduce((sum, each) => sum + (each.values[step] ?? 0), 0));
  const highest = kind === "bars" ? Math.max(...sums) : Math.max(...series.flatMap((each) => each.values.filter((value) => value !== null)));
  const ticks = niceTicks(highest);
  const slot = (width - LEFT) / times.length;
  const x = (step) => LEFT + (step + 0.5) * slot;
  const y = (value) => HEIGHT - BOTTOM - (value / ticks.at(-1)) * (HEIGHT - TOP - BOTTOM);
  const marks = kind === "bars" ? bars(series, times.length, x, y, slot) : series.map((each, place) => line(each.values, place, x, y));
  const name = `${series.map((each) => each.label).join(", ")} (${unit})`;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": name },
    svg("text", { y: 11 }, unit),
    ticks.map((tick) => [
      svg("line", { x1: LEFT, x2: width, y1: y(tick), y2: y(tick), class: tick ? "grid" : "axis" }),
      svg("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, format(tick)),
    ]),
    timeLabels(times, minutes, width).map(([step, label]) => svg("text", { x: x(step), y: HEIGHT - 7, "text-anchor": "middle" }, label)),
    marks,
    times.map((time, step) => svg("rect", { class: "step", x: LEFT + step * slot, y: TOP, width: slot, height: HEIGHT - TOP - BOTTOM },
      svg("title", {}, hint(time, step, series, unit, format)))));
}

function hint(time, step, series, unit, format) {
  return [formatTime(time), ...series.map((each) => `${each.label}: ${shown(each.values[step], format)} ${unit}`)].join("\n");
}

function bars(series, count, x, y, slot) {
  const heights = new Array(count).fill(0);
  return series.flatMap((each, place) => each.values.map((value, step) => {
    if (!value) return null;
    const bottom = y(heights[step]);
    heights[step] += value;
    const top = y(heights[step]);
    return svg("rect", { class: `block s${place}`, x: x(step) - slot * 0.4, y: top, width: slot * 0.8, height: bottom - top });
  }));
}

/** A path over the steps that have a value; one that stands alone becomes a dot. */
function line(values, place, x, y) {
  const has = (step) => typeof values[step] === "number";
  const points = values.map((value, step) => has(step) && `${has(step - 1) ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}h0`);
  return svg("path", { class: `line s${place}`, d: points.filter(Boolean).join("") });
}

function tableOf({ times, series, unit, format }) {
  const head = [t("chart.time"), ...series.map((each) => `${each.label} (${unit})`)].map((words) => h("th", { scope: "col" }, words));
  const cells = (time, step) => [formatTime(time), ...series.map((each) => shown(each.values[step], format))].map((words) => h("td", {}, words));
  const rows = times.map((time, step) => h("tr", {}, cells(time, step)));
  return h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.reverse()));
}

const shown = (value, format) => (value === null ? "–" : format(value));

/** From 0 in steps of 1, 2 or 5 times a power of ten, to at least the highest value. */
function niceTicks(highest) {
  const rough = (highest || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  return Array.from({ length: Math.ceil((highest || 1) / step - 1e-9) + 1 }, (_, place) => place * step);
}

function timeLabels(times, minutes, width) {
  const every = Math.ceil(times.length / Math.max(2, Math.floor((width - LEFT) / 90)));
  const style = minutes * times.length > TWO_DAYS ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" };
  const isShown = (step) => step % every === Math.floor(every / 2);
  return times.flatMap((time, step) => (isShown(step) ? [[step, new Date(time).toLocaleString(locale, style)]] : []));
}

function formatTime(time) {
  return new Date(time).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}

/** A row with a bar that goes from a share to a share; a third number is where the value stands within. */
export function row(label, value, more, [from, to, at = null]) {
  const width = Math.max((to - from) * 100, 0.4);
  return h("li", { class: "s0" }, h("span", {}, label), h("span", { class: "value" }, value, h("span", { class: "quiet" }, more)),
    svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "ground", width: 100, height: 8 }),
      svg("rect", { class: at === null ? "block" : "range", x: from * 100, width, height: 8 }),
      at !== null && svg("rect", { class: "block", x: at * 100 - 0.3, width: 0.6, height: 8 })));
}
