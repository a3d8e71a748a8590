// Slack's mrkdwn to DOM nodes. The text is Slack-escaped (&amp; &lt; &gt;) and is unescaped into text nodes only.
import { el } from "./dom.js";

export const directory = { users: new Map(), channels: new Map() };

const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌",
  warning: "⚠️", tada: "🎉", rocket: "🚀", eyes: "👀", hourglass: "⌛", hourglass_flowing_sand: "⏳", fire: "🔥",
  bulb: "💡", wave: "👋", bar_chart: "📊", chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉",
  package: "📦", page_facing_up: "📄", mag: "🔍", lock: "🔒", unlock: "🔓", key: "🔑", gear: "⚙️", robot_face: "🤖",
  heart: "❤️", no_entry: "⛔", no_entry_sign: "🚫", question: "❓", exclamation: "❗", stopwatch: "⏱️", bell: "🔔",
  memo: "📝", sparkles: "✨", trophy: "🏆", scales: "⚖️", moneybag: "💰", red_circle: "🔴", large_green_circle: "🟢",
  large_yellow_circle: "🟡", large_blue_circle: "🔵", arrow_right: "➡️", rewind: "⏪", leftwards_arrow_with_hook: "↩️",
  raised_hands: "🙌", clap: "👏", pray: "🙏", thinking_face: "🤔", smile: "😄", slightly_smiling_face: "🙂",
  musical_note: "🎵", notes: "🎶", broom: "🧹", shield: "🛡️", link: "🔗", wastebasket: "🗑️", clipboard: "📋",
  information_source: "ℹ️", octagonal_sign: "🛑", speech_balloon: "💬", brain: "🧠", test_tube: "🧪", dart: "🎯",
};

export function emoji(name) {
  return EMOJI[name] || `:${name}:`;
}

export function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

export function safeLink(url, ...children) {
  const shown = children.length ? children : [url];
  if (!/^(https?:|mailto:)/i.test(url)) return el("span", {}, ...shown);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...shown);
}

export function userMention(id) {
  const user = directory.users.get(id);
  return el("span", { class: "mention" }, `@${user ? user.real_name.split(" ")[0] : id}`);
}

export function channelMention(id, name) {
  const channel = directory.channels.get(id);
  return el("span", { class: "mention" }, `#${channel?.name || name || id}`);
}

export function mrkdwn(text) {
  const root = el("div", { class: "mrkdwn" });
  text.split(/```/).forEach((part, number) => {
    if (number % 2) root.append(el("pre", {}, unescape(tokensAsText(part.replace(/^\n|\n$/g, "")))));
    else if (part.trim()) root.append(...lines(part.replace(/^\n|\n$/g, "")));
  });
  return root;
}

function tokensAsText(text) {
  return text.replace(/<(https?:[^|>]+)(?:\|([^>]*))?>/g, (_, url, label) => label || url);
}

function lines(text) {
  const nodes = [];
  for (const line of text.split("\n")) {
    const quote = line.match(/^(?:&gt;|>)\s?(.*)$/);
    const last = nodes[nodes.length - 1];
    if (quote && last?.tagName === "BLOCKQUOTE") last.append(el("br"), ...inline(quote[1]));
    else if (quote) nodes.push(el("blockquote", {}, ...inline(quote[1])));
    else if (last?.tagName === "P") last.append(el("br"), ...inline(line));
    else nodes.push(el("p", {}, ...inline(line)));
  }
  return nodes;
}

const INLINE = new RegExp([
  "`(?<code>[^`\\n]+)`",
  "<(?<token>[^<>\\n]+)>",
  "(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
  "(?<![\\w_])_(?<italic>[^\\s_](?:[^\\n]*?[^\\s_])?)_(?![\\w_])",
  "(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
  ":(?<emoji>[a-z0-9_+-]+):",
].join("|"), "g");

export function inline(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) nodes.push(unescape(text.slice(at, match.index)));
    nodes.push(piece(match.groups, match[0]));
    at = match.index + match[0].length;
  }
  if (at < text.length) nodes.push(unescape(text.slice(at)));
  return nodes;
}

function piece(groups, raw) {
  if (groups.code !== undefined) return el("code", {}, unescape(tokensAsText(groups.code)));
  if (groups.token !== undefined) return token(groups.token);
  if (groups.bold !== undefined) return el("strong", {}, ...inline(groups.bold));
  if (groups.italic !== undefined) return el("em", {}, ...inline(groups.italic));
  if (groups.strike !== undefined) return el("s", {}, ...inline(groups.strike));
  return EMOJI[groups.emoji] ? el("span", { class: "emoji", title: `:${groups.emoji}:` }, EMOJI[groups.emoji]) : raw;
}

function token(inner) {
  const [target, label] = inner.split("|", 2);
  if (target.startsWith("@")) return userMention(target.slice(1));
  if (target.startsWith("#")) return channelMention(target.slice(1), label);
  if (target.startsWith("!date^")) return el("span", {}, label || new Date(target.split("^")[1] * 1000).toLocaleString());
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, `@${label?.replace(/^@/, "") || target.slice(1).split("^")[0]}`);
  if (!/^[a-z]+:/i.test(target)) return `<${unescape(inner)}>`;
  return safeLink(unescape(target), ...(label ? inline(label) : []));
}
