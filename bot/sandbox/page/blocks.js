// Block Kit to DOM nodes: one function a block type.
import { el } from "./dom.js";
import { session } from "./api.js";
import { chart } from "./chart.js";
import { element } from "./elements.js";
import { markdown } from "./markdown.js";
import { emoji, mrkdwn } from "./mrkdwn.js";
import { richText } from "./richtext.js";

export function blocks(list, context) {
  return el("div", { class: "blocks" }, list.map((block) => {
    const build = BLOCKS[block.type];
    const node = build ? build(block, context) : el("div", { class: "unknown" }, `[${block.type} block]`);
    node.dataset.blockId = block.block_id || "";
    node.classList.add("block", `block-${block.type}`);
    return node;
  }));
}

export function text(node) {
  if (!node) return "";
  if (node.type === "mrkdwn") return mrkdwn(node.text);
  const shown = node.text.replace(/:([a-z0-9_+-]+):/g, (raw, name) => (node.emoji === false ? raw : emoji(name)));
  return el("span", { class: "plain" }, shown);
}

function picture(node, className) {
  return el("img", { class: className, src: source(node), alt: node.alt_text, loading: "lazy", "data-testid": "image" });
}

function source(node) {
  const file = node.slack_file?.id || (node.slack_file?.url || node.image_url || "").match(/files-pri\/T[^-]+-(F\w+)/)?.[1];
  if (file) return `/sandbox/files/${encodeURIComponent(file)}?as=${encodeURIComponent(session.me)}`;
  return /^(https?:|data:image\/)/i.test(node.image_url || "") ? node.image_url : "";
}

function section(block, context) {
  const accessory = block.accessory && (block.accessory.type === "image"
    ? picture(block.accessory, "thumb") : element(block.accessory, block, context));
  const fields = block.fields && el("div", { class: "fields" }, block.fields.map((field) => el("div", {}, text(field))));
  return el("div", {}, el("div", { class: "grow" }, text(block.text), fields), accessory);
}

function image(block) {
  const title = block.title && el("figcaption", {}, text(block.title));
  return el("figure", {}, title, picture(block, "picture"));
}

function context(block) {
  return el("div", {}, block.elements.map((node) => (node.type === "image" ? picture(node, "tiny") : text(node))));
}

function row(block, where) {
  return el("div", { role: "group" }, block.elements.map((node) => element(node, block, where)));
}

function input(block, where) {
  const control = element(block.element, block, where);
  where.inputs?.push({ block, node: block.element, control });
  return el("div", {},
    el(control.classList.contains("ticks") ? "div" : "label", { class: "labelled" }, el("span", { class: "label" }, text(block.label), block.optional ? el("small", {}, " (optional)") : null), control),
    block.hint ? el("small", { class: "hint" }, text(block.hint)) : null,
    el("p", { class: "error", role: "alert" }));
}

function table(block) {
  const cell = (node) => (node.type === "rich_text" ? richText(node) : node.text ?? String(node.value ?? ""));
  const align = (x) => block.column_settings?.[x]?.align || "left";
  const line = (tag) => (cells) => el("tr", {}, cells.map((node, x) => el(tag, { class: `align-${align(x)}`, scope: tag === "th" ? "col" : undefined }, cell(node))));
  const [head, ...body] = block.rows;
  return el("div", { class: "table-wrap" }, el("table", {}, el("thead", {}, line("th")(head)), el("tbody", {}, body.map(line("td")))));
}

const SIGNS = { pending: "○", in_progress: "◐", complete: "✓", error: "✕" };

function task(block) {
  const rich = (part) => part && (typeof part === "string" ? el("p", {}, part) : richText(part));
  const sources = (block.sources || []).map((s) => el("span", { class: "source" }, s.text || s.url));
  return el("div", { class: `task ${block.status || "pending"}` },
    el("span", { class: "sign", "aria-label": block.status || "pending" }, SIGNS[block.status] || "○"),
    el("div", { class: "grow" }, el("strong", {}, block.title), rich(block.details), rich(block.output), sources));
}

function plan(block) {
  return el("div", {}, el("strong", {}, block.title), (block.tasks || []).map(task));
}

function card(block, where) {
  return el("div", { class: "card" },
    block.hero_image ? picture(block.hero_image, "picture") : null,
    el("strong", {}, text(block.title)), el("div", { class: "dim" }, text(block.subtitle)), text(block.body),
    el("div", { class: "row" }, (block.actions || []).map((node) => element(node, block, where))));
}

const BLOCKS = {
  section, image, context, input, table, plan, card, task_card: task,
  actions: row, context_actions: row,
  header: (block) => el("h3", {}, text(block.text)),
  divider: () => el("hr"),
  rich_text: richText,
  markdown: (block) => markdown(block.text),
  data_visualization: chart,
  alert: (block) => el("div", { role: "note" }, text(block.text)),
  carousel: (block, where) => el("div", { class: "row" }, block.elements.map((node) => card(node, where))),
  container: (block, where) => el("div", {}, el("strong", {}, text(block.title)), blocks(block.child_blocks, where)),
  data_table: (block) => table({ ...block, rows: block.rows.map((r) => r.cells || r) }),
};
