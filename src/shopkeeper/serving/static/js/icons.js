/** Line icons of 24 units, drawn with the color of the text. */

import { svg } from "./dom.js";

const PATHS = {
  view: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  like: "M12 20s-8-4.8-8-10.6A4.4 4.4 0 0 1 12 7a4.4 4.4 0 0 1 8 2.4C20 15.2 12 20 12 20z",
  cart: "M3 4h2.4l2 11.2h10.4L20 7.5H6M9 20a.6.6 0 1 0 0-1.2A.6.6 0 0 0 9 20zM17 20a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2z",
  purchase: "M5 8h14l1 12H4L5 8zM8.5 8V7a3.5 3.5 0 0 1 7 0v1",
  return: "M9 14l-5-5 5-5M4 9h10a6 6 0 0 1 0 12h-3",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3L19 19M5 19l1.7-1.7M17.3 6.7L19 5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
};

export function icon(name) {
  const path = svg("path", { d: PATHS[name] ?? PATHS.view });
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}
