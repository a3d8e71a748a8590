// The page's own icons, drawn: they look the same on machines without an emoji font.
import { svg } from "./dom.js";

const PATHS = {
  attach: "M16 7l-7.5 7.5a2 2 0 0 0 3 3L19 10a4 4 0 0 0-6-6l-8 8a6 6 0 0 0 8.5 8.5L20 14",
  close: "M6 6l12 12M18 6L6 18",
  down: "M7 14h3l3 7c1.5 0 2.5-1 2.5-2.5V15h4a2 2 0 0 0 2-2.3l-1-6.7a2 2 0 0 0-2-1.7H10L7 5.5zM3 5.5h4V14H3z",
  eye: "M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  mention: "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM15.5 8.5v5a2.5 2.5 0 0 0 5 0V12a8.5 8.5 0 1 0-3.5 6.9",
  reply: "M4 5h16v11H10l-4.5 4v-4H4z",
  send: "M4 12L3 4l18 8-18 8 1-8zM4 12h8",
  up: "M7 10h3l3-7c1.5 0 2.5 1 2.5 2.5V9h4a2 2 0 0 1 2 2.3l-1 6.7a2 2 0 0 1-2 1.7H10l-3-1.2zM3 10h4v8.5H3z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

export function icon(name) {
  const shape = svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linejoin": "round", "stroke-linecap": "round" });
  return svg("svg", { viewBox: "0 0 24 24", width: 17, height: 17, class: "glyph", "aria-hidden": "true" }, shape);
}
