/** A calm picture for an item: its category chooses color and pattern, its id the arrangement. Nothing is loaded. */

import { svg } from "./dom.js";
import { steps } from "./catalog_words.js";

export function tile(item) {
  const family = steps(item.category ?? "").slice(0, 2).join("/");
  const random = generator(hash(String(item.item_id)));
  const pattern = PATTERNS[hash(family) % PATTERNS.length];
  const isNear = (place, count) => (count < 5 ? place % 2 : random() < 0.5); // wide shapes take turns
  const shapes = pattern(random).map((d, place, all) => svg("path", { d, class: isNear(place, all.length) ? "near" : "far" }));
  return svg("svg", {
    class: `tile shade-${hash(`color of ${family}`) % 8}`, viewBox: "0 0 120 90", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true",
  }, svg("path", { d: "M0 0H120V90H0z", class: "ground" }), shapes);
}

/** FNV-1a of a text, 32 bits. */
function hash(text) {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

/** Numbers from 0 to 1, always the same for the same seed. */
function generator(state) {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const CELLS = Array.from({ length: 12 }, (_, place) => [(place % 4) * 30, Math.floor(place / 4) * 30]);
const inCells = (draw) => (random) => CELLS.map(([x, y]) => draw(x, y, random));
const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1-${2 * r} 0z`;

const leaf = (x, y, width) => `M${width > 0 ? x : x + 30} ${y}a30 30 0 0 1 ${width} 30a30 30 0 0 1 ${-width}-30z`;

/** Each gives the outlines of one arrangement. */
const PATTERNS = [
  (random) => [0, 1, 2].map((place) => circle(10 + place * 45 + random() * 20, 78 + random() * 16, 26 + random() * 20)), // hills
  (random) => [0, 1, 2, 3].map((place) => `M-5 ${18 + place * 20 + random() * 6}q16-${5 + random() * 9} 32 0t32 0t32 0t32 0V99H-5z`), // waves
  (random) => Array.from({ length: 8 }, (_, place) => `M${place * 15 + 3} 99V${20 + random() * 55}a4.5 4.5 0 0 1 9 0V99z`), // bars
  inCells((x, y, random) => leaf(x, y, random() < 0.5 ? 30 : -30)),
  inCells((x, y, random) => circle(x + 7 + 15 * random(), y + 7 + 15 * random(), 4 + random() * 8)), // pebbles
  inCells((x, y, random) => `M${x + 3} ${y + 15}a12 12 0 0 ${random() < 0.5 ? 1 : 0} 24 0z`), // half moons
];
