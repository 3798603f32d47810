/** A calm picture for an item: its category chooses color and pattern, its id the arrangement. Nothing is loaded. */

import { svg } from "./dom.js";
import { steps } from "./catalog_words.js";

const WIDTH = 120;
const HEIGHT = 90;
const COLORS = 8;

export function tile(item, className = "tile") {
  const family = steps(item.category ?? "").slice(0, 2).join("/");
  const random = generator(hash(String(item.item_id)));
  const pattern = PATTERNS[hash(family) % PATTERNS.length];
  const shade = svg("rect", { width: WIDTH, height: HEIGHT, class: "ground" });
  return svg("svg", {
    class: `${className} shade-${hash(`color of ${family}`) % COLORS}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true",
  }, shade, pattern(random));
}

/** FNV-1a of a text, 32 bits. */
export function hash(text) {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}

/** Numbers from 0 to 1, always the same for the same seed (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const tone = (random) => (random() < 0.5 ? "near" : "far");
const cells = (size) => Array.from({ length: (WIDTH / size) * (HEIGHT / size) }, (_, place) =>
  [(place % (WIDTH / size)) * size, Math.floor(place / (WIDTH / size)) * size]);

function hills(random) {
  return [0, 1, 2].map((place) => svg("circle", {
    cx: 10 + place * 45 + random() * 20, cy: 78 + random() * 16, r: 26 + random() * 20, class: place % 2 ? "near" : "far",
  }));
}

function leaves(random) {
  return cells(30).map(([x, y]) => svg("path", {
    d: random() < 0.5 ? `M${x} ${y}a30 30 0 0 1 30 30a30 30 0 0 1-30-30z` : `M${x + 30} ${y}a30 30 0 0 1-30 30a30 30 0 0 1 30-30z`,
    class: tone(random),
  }));
}

function bars(random) {
  return Array.from({ length: 8 }, (_, place) => {
    const height = 20 + random() * 58;
    return svg("rect", { x: place * 15 + 3, y: HEIGHT - height, width: 9, height: height + 9, rx: 4.5, class: tone(random) });
  });
}

function moons(random) {
  return cells(30).map(([x, y]) => {
    const turn = Math.floor(random() * 4) * 90;
    return svg("path", { d: `M${x + 3} ${y + 15}a12 12 0 0 1 24 0z`, transform: `rotate(${turn} ${x + 15} ${y + 15})`, class: tone(random) });
  });
}

function pebbles(random) {
  return Array.from({ length: 9 }, (_, place) => svg("circle", {
    cx: (place % 3) * 40 + 10 + random() * 22, cy: Math.floor(place / 3) * 30 + 6 + random() * 18, r: 5 + random() * 10, class: tone(random),
  }));
}

function waves(random) {
  return Array.from({ length: 4 }, (_, place) => {
    const y = 18 + place * 20 + random() * 6;
    const swing = 5 + random() * 9;
    return svg("path", { d: `M-5 ${y}q16-${swing} 32 0t32 0t32 0t32 0V99H-5z`, class: place % 2 ? "near" : "far" });
  });
}

const PATTERNS = [hills, leaves, bars, moons, pebbles, waves];
