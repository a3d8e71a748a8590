// Standard Markdown (markdown blocks and streamed answers) to DOM nodes: the part of it that Slack renders.
import { el } from "./dom.js";
import { emoji, safeLink } from "./mrkdwn.js";

export function markdown(text) {
  const root = el("div", { class: "mrkdwn markdown" });
  const rows = text.split("\n");
  let at = 0;
  while (at < rows.length) {
    const [node, next] = blockAt(rows, at);
    if (node) root.append(node);
    at = next;
  }
  return root;
}

function blockAt(rows, at) {
  const row = rows[at];
  const fence = row.match(/^\s*```/);
  if (fence) {
    let end = at + 1;
    while (end < rows.length && !/^\s*```/.test(rows[end])) end += 1;
    return [el("pre", {}, rows.slice(at + 1, end).join("\n")), end + 1];
  }
  if (!row.trim()) return [null, at + 1];
  const heading = row.match(/^(#{1,6})\s+(.*)$/);
  if (heading) return [el(`h${Math.min(6, heading[1].length + 2)}`, {}, ...spans(heading[2])), at + 1];
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) return [el("hr"), at + 1];
  if (/^\s*>/.test(row)) return gather(rows, at, /^\s*>\s?/, (found) => el("blockquote", {}, markdown(found.join("\n"))));
  if (/^\s*[-*+]\s+/.test(row)) return gather(rows, at, /^\s*[-*+]\s+/, (found) => el("ul", {}, found.map(item)));
  if (/^\s*\d+[.)]\s+/.test(row)) return gather(rows, at, /^\s*\d+[.)]\s+/, (found) => el("ol", {}, found.map(item)));
  if (row.includes("|") && /^\s*\|?[\s:|-]+\|[\s:|-]*$/.test(rows[at + 1] || "")) return tableAt(rows, at);
  let end = at + 1;
  while (end < rows.length && rows[end].trim() && !/^(\s*```|#{1,6}\s|\s*[-*+]\s|\s*\d+[.)]\s|\s*>)/.test(rows[end])) end += 1;
  const lines = rows.slice(at, end).flatMap((line, number) => (number ? [el("br"), ...spans(line)] : spans(line)));
  return [el("p", {}, ...lines), end];
}

function item(text) {
  const task = text.match(/^\[([ xX])\]\s+(.*)$/);
  return el("li", {}, ...(task ? [task[1] === " " ? "☐ " : "☑ ", ...spans(task[2])] : spans(text)));
}

function gather(rows, at, mark, build) {
  let end = at;
  while (end < rows.length && mark.test(rows[end])) end += 1;
  return [build(rows.slice(at, end).map((row) => row.replace(mark, ""))), end];
}

function tableAt(rows, at) {
  let end = at + 2;
  while (end < rows.length && rows[end].includes("|")) end += 1;
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const head = el("tr", {}, cells(rows[at]).map((cell) => el("th", {}, ...spans(cell))));
  const body = rows.slice(at + 2, end).map((row) => el("tr", {}, cells(row).map((cell) => el("td", {}, ...spans(cell)))));
  return [el("div", { class: "table-wrap" }, el("table", {}, el("thead", {}, head), el("tbody", {}, body))), end];
}

const SPAN = new RegExp([
  "`(?<code>[^`\\n]+)`",
  "\\[(?<label>[^\\]\\n]+)\\]\\((?<url>[^)\\s]+)\\)",
  "\\*\\*(?<bold>[^\\n]+?)\\*\\*",
  "__(?<bold2>[^\\n]+?)__",
  "(?<!\\w)[*](?<italic>[^\\s*][^*\\n]*)[*]",
  "(?<!\\w)_(?<italic2>[^\\s_][^_\\n]*)_(?!\\w)",
  "~~(?<strike>[^\\n]+?)~~",
  ":(?<emoji>[a-z0-9_+-]+):",
  "(?<bare>https?://[^\\s<>)]+)",
].join("|"), "g");

function spans(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(SPAN)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    nodes.push(span(match.groups));
    at = match.index + match[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

function span(groups) {
  const bold = groups.bold ?? groups.bold2;
  const italic = groups.italic ?? groups.italic2;
  if (groups.code !== undefined) return el("code", {}, groups.code);
  if (groups.url !== undefined) return safeLink(groups.url, ...spans(groups.label));
  if (bold !== undefined) return el("strong", {}, ...spans(bold));
  if (italic !== undefined) return el("em", {}, ...spans(italic));
  if (groups.strike !== undefined) return el("s", {}, ...spans(groups.strike));
  if (groups.bare !== undefined) return safeLink(groups.bare);
  return emoji(groups.emoji);
}
