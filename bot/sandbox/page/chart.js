// data_visualization blocks as SVG.
import { el, svg } from "./dom.js";

const WIDTH = 520, HEIGHT = 220, LEFT = 46, BOTTOM = 34, TOP = 10;

export function chart(block) {
  const { chart: spec, title } = block;
  const drawing = spec.type === "pie" ? pie(spec) : axes(spec);
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `${spec.type} chart: ${title}`);
  const names = spec.type === "pie" ? spec.segments.map((s) => s.label) : spec.series.map((s) => s.name);
  const legend = el("figcaption", { class: "legend" }, names.map((name, n) => el("span", { class: `key series-${n}` }, name)));
  return el("figure", { class: "chart" }, el("strong", {}, title), drawing, legend);
}

function axes(spec) {
  const labels = spec.axis_config.categories;
  const values = spec.series.flatMap((series) => series.data.map((point) => point.value));
  const low = Math.min(0, ...values), high = Math.max(...values, low + 1e-9);
  const x = (n) => LEFT + ((n + 0.5) * (WIDTH - LEFT - 8)) / labels.length;
  const y = (v) => TOP + (1 - (v - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  const root = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (high - low);
    root.append(svg("line", { x1: LEFT, x2: WIDTH - 8, y1: y(value), y2: y(value), class: "grid" }));
    root.append(label(LEFT - 6, y(value) + 4, Number(value.toPrecision(3)), "end"));
  }
  const step = Math.ceil(labels.length / 8);
  labels.forEach((text, n) => { if (n % step === 0) root.append(label(x(n), HEIGHT - 16, text, "middle")); });
  root.append(label(WIDTH / 2, HEIGHT - 2, spec.axis_config.x_label || "", "middle"));
  spec.series.forEach((series, n) => root.append(...draw(spec, series, n, x, y, labels.length, low)));
  return root;
}

function draw(spec, series, n, x, y, count, low) {
  if (spec.type === "bar") {
    const width = ((WIDTH - LEFT - 8) / count) * 0.8 / spec.series.length;
    return series.data.map((point, at) => svg("rect", {
      x: x(at) - (width * spec.series.length) / 2 + n * width, y: y(point.value), width: width * 0.92,
      height: Math.max(0, y(low) - y(point.value)), class: `bar series-${n}`,
    }));
  }
  const points = series.data.map((point, at) => `${x(at)},${y(point.value)}`);
  const line = svg("polyline", { points: points.join(" "), class: `line series-${n}` });
  if (spec.type !== "area") return [line];
  const ends = `${x(series.data.length - 1)},${y(low)} ${x(0)},${y(low)}`;
  return [svg("polygon", { points: `${points.join(" ")} ${ends}`, class: `area series-${n}` }), line];
}

function pie(spec) {
  const total = spec.segments.reduce((sum, segment) => sum + segment.value, 0) || 1;
  const root = svg("svg", { viewBox: "0 0 220 220", class: "pie" });
  let at = 0;
  spec.segments.forEach((segment, n) => {
    const length = (segment.value / total) * 100;
    root.append(svg("circle", {
      cx: 110, cy: 110, r: 50, pathLength: 100, class: `slice series-${n}`,
      "stroke-dasharray": `${length} ${100 - length}`, "stroke-dashoffset": -at,
    }));
    at += length;
  });
  return root;
}

function label(x, y, text, anchor) {
  return svg("text", { x, y, "text-anchor": anchor }, document.createTextNode(String(text)));
}
