// rich_text blocks to DOM nodes.
import { el } from "./dom.js";
import { channelMention, emoji, safeLink, userMention } from "./mrkdwn.js";

export function richText(block) {
  return el("div", { class: "mrkdwn" }, block.elements.map(part));
}

function part(node) {
  const inner = () => (node.elements || []).map(leaf);
  if (node.type === "rich_text_preformatted") return el("pre", {}, inner());
  if (node.type === "rich_text_quote") return el("blockquote", {}, inner());
  if (node.type === "rich_text_list") {
    const indent = `indent-${Math.min(node.indent || 0, 4)}`;
    return el(node.style === "ordered" ? "ol" : "ul", { class: indent }, node.elements.map((e) => el("li", {}, (e.elements || []).map(leaf))));
  }
  return el("p", {}, inner());
}

const STYLES = [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]];

function leaf(node) {
  let shown = content(node);
  for (const [style, tag] of STYLES) if (node.style?.[style]) shown = el(tag, {}, shown);
  return shown;
}

function content(node) {
  switch (node.type) {
    case "text": return el("span", { class: "plain" }, node.text);
    case "link": return safeLink(node.url, node.text || node.url);
    case "user": return userMention(node.user_id);
    case "channel": return channelMention(node.channel_id);
    case "emoji": return emoji(node.name);
    case "broadcast": return el("span", { class: "mention loud" }, `@${node.range}`);
    case "date": return new Date(node.timestamp * 1000).toLocaleString();
    case "color": return el("code", {}, node.value);
    default: return `[${node.type}]`;
  }
}
