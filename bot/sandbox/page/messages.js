// One message, and a list of them kept in order while it changes.
import { bytes, clock, day, el } from "./dom.js";
import { post, session } from "./api.js";
import { blocks } from "./blocks.js";
import { icon } from "./icons.js";
import { directory, emoji, mrkdwn } from "./mrkdwn.js";

export function avatar(user) {
  const initials = (user?.real_name || "?").split(" ").map((word) => word[0]).slice(0, 2).join("");
  const node = el("span", { class: "avatar", "aria-hidden": "true" }, user?.name === "tunesmith" ? "♫" : initials);
  node.style.background = `#${/^[0-9a-f]{6}$/i.test(user?.color || "") ? user.color : "888888"}`;
  return node;
}

function badges(user) {
  const marks = [];
  if (user?.is_bot) marks.push("APP");
  if (user?.is_restricted) marks.push("GUEST");
  if (user?.is_stranger) marks.push("EXTERNAL");
  return marks.map((mark) => el("span", { class: "badge" }, mark));
}

export function fileUrl(file, download) {
  return `/sandbox/files/${encodeURIComponent(file.id)}?as=${encodeURIComponent(session.me)}${download ? "&download=1" : ""}`;
}

function fileCard(file) {
  if (file.mode === "tombstone") return el("p", { class: "dim" }, "This file was deleted.");
  const link = el("a", { href: fileUrl(file, true), download: file.name, "data-testid": "download" }, "Download");
  if (/^image\/(png|jpeg|gif|webp)$/.test(file.mimetype)) {
    return el("figure", { class: "file image", "data-testid": "file" },
      el("figcaption", {}, file.title, " ", link), el("img", { src: fileUrl(file), alt: file.alt_txt || file.title || file.name, class: "picture", loading: "lazy" }));
  }
  return el("div", { class: "file", "data-testid": "file" }, el("span", { class: "kind", "aria-hidden": "true" }, file.filetype.slice(0, 5).toUpperCase()),
    el("div", { class: "grow" }, el("strong", {}, file.name), el("span", { class: "dim" }, `${file.pretty_type} · ${bytes(file.size)}`)), link);
}

function reactions(message, where) {
  return el("div", { class: "reactions" }, (message.reactions || []).map((reaction) => {
    const mine = reaction.users.includes(session.me);
    return el("button", {
      class: "reaction", "aria-pressed": String(mine), "aria-label": `${reaction.name}, ${reaction.count}`, title: `:${reaction.name}:`,
      onclick: () => post("react", { channel: where.channel, ts: message.ts, name: reaction.name, remove: mine }),
    }, `${emoji(reaction.name)} ${reaction.count}`);
  }));
}

function toolbar(message, where) {
  if (message.is_ephemeral) return null;
  const react = (name) => post("react", { channel: where.channel, ts: message.ts, name }).catch(() => {});
  return el("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" },
    el("button", { "aria-label": "React with thumbs up", onclick: () => react("+1") }, icon("up")),
    el("button", { "aria-label": "React with thumbs down", onclick: () => react("-1") }, icon("down")),
    where.thread ? null : el("button", {
      "aria-label": "Reply in thread", "data-testid": "reply-in-thread", onclick: () => where.open(message.thread_ts || message.ts),
    }, icon("reply")));
}

function repliesLine(message, where) {
  if (where.thread || !message.reply_count) return null;
  const count = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
  return el("button", { class: "replies", "data-testid": "open-thread", onclick: () => where.open(message.ts) },
    el("span", { class: "faces" }, (message.reply_users || []).slice(0, 4).map((id) => avatar(directory.users.get(id)))),
    el("strong", {}, count), el("span", { class: "dim" }, `last at ${clock(message.latest_reply)}`));
}

function body(message, context) {
  const shown = [];
  if (message.blocks?.length) shown.push(blocks(message.blocks, context));
  else if (message.text) shown.push(mrkdwn(message.text));
  for (const attachment of message.attachments || []) {
    const inside = attachment.blocks ? blocks(attachment.blocks, context) : mrkdwn(attachment.text || attachment.fallback || "");
    const node = el("div", { class: "attachment" }, inside);
    if (/^#?[0-9a-f]{6}$/i.test(attachment.color || "")) node.style.borderColor = `#${attachment.color.replace("#", "")}`;
    shown.push(node);
  }
  return shown;
}

// where: {channel, thread?, open(ts)}
export function message(data, where) {
  const user = directory.users.get(data.user);
  const name = user?.real_name || data.user || "unknown";
  const act = (node, block, value) => post("press", {
    channel: where.channel, ts: data.ts, action_id: node.action_id, block_id: block.block_id, value,
  });
  const streaming = data.streaming_state === "in_progress";
  return el("article", {
    class: `message${data.is_ephemeral ? " ephemeral" : ""}${streaming ? " streaming" : ""}`, "data-testid": "message", "data-ts": data.ts,
    "data-user": data.user, "aria-label": `${name} at ${clock(data.ts)}`,
  },
  avatar(user),
  el("div", { class: "content" },
    data.is_ephemeral ? el("div", { class: "only" }, icon("eye"), " Only visible to you") : null,
    data.subtype === "thread_broadcast" ? el("div", { class: "only" }, "replied to a thread") : null,
    el("div", { class: "who" }, el("strong", {}, name), badges(user), el("time", { datetime: new Date(data.ts * 1000).toISOString() }, clock(data.ts))),
    body(data, { kind: "message", act }),
    data.edited ? el("span", { class: "edited" }, "(edited)") : null,
    data.files ? el("div", { class: "files" }, data.files.map(fileCard)) : null,
    reactions(data, where), repliesLine(data, where)),
  toolbar(data, where));
}

export class MessageList {
  constructor(root, where) {
    Object.assign(this, { root, where, known: new Map(), stuck: true });
    const settle = () => this.stuck && this.bottom();
    let last = 0;  // content that grows moves nothing: only scrolling up lets go of the bottom
    root.addEventListener("scroll", () => {
      const near = root.scrollHeight - root.scrollTop - root.clientHeight < 120;
      this.stuck = near || (this.stuck && root.scrollTop >= last);
      last = root.scrollTop;
    });
    root.addEventListener("load", settle, true);
    new ResizeObserver(settle).observe(root);
  }

  fill(list) {
    this.stuck = true;
    this.known = new Map();
    this.root.replaceChildren();
    list.sort((a, b) => Number(a.ts) - Number(b.ts)).forEach((data) => this.put(data, true));
    this.bottom();
  }

  put(data, quiet = false) {
    const old = this.known.get(data.ts);
    const node = message(data, this.where());
    if (old) {
      const focused = old.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
      old.replaceWith(node);
      if (focused) node.querySelector(`[data-testid="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    } else this.place(node, data.ts);
    this.known.set(data.ts, node);
    if (!quiet && this.stuck) this.bottom();
  }

  place(node, ts) {
    const later = [...this.root.querySelectorAll("article")].find((other) => Number(other.dataset.ts) > Number(ts));
    const before = later ? later.previousElementSibling : this.root.lastElementChild;
    const anchor = later && before?.classList.contains("day") && before.dataset.day !== day(ts) ? before : later;
    this.root.insertBefore(node, anchor || null);
    const previous = node.previousElementSibling;
    const same = previous && (previous.dataset.day || day(previous.dataset.ts)) === day(ts);
    if (!same) this.root.insertBefore(el("div", { class: "day", "data-day": day(ts), role: "separator" }, el("span", {}, day(ts))), node);
  }

  drop(ts) {
    this.known.get(ts)?.remove();
    this.known.delete(ts);
  }

  bottom() { this.root.scrollTop = this.root.scrollHeight; }
}
