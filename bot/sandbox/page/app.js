// The page: who acts, which channel and thread are open, and what changes live.
import { el, toast } from "./dom.js";
import { explain, get, live, post, session } from "./api.js";
import { composer } from "./composer.js";
import { icon } from "./icons.js";
import { MessageList, avatar } from "./messages.js";
import * as modal from "./modal.js";
import { directory } from "./mrkdwn.js";
import * as welcome from "./welcome.js";

const $ = (id) => document.getElementById(id);
const state = { channels: [], channel: null, thread: null, unread: new Map(), sessions: new Map(), tab: "messages", home: null };
let source = null;

const timeline = new MessageList($("timeline"), () => ({ channel: state.channel, open: openThread }));
const threadList = new MessageList($("thread-messages"), () => ({ channel: state.channel, thread: state.thread, open: openThread }));
const mainBox = composer($("composer-main"), () => ({ channel: state.channel }), "", $("main"));
welcome.fill($("welcome"), () => ({ channel: state.channel }), mainBox.attach);
const threadBox = composer($("composer-thread"), () => ({ channel: state.channel, thread_ts: state.thread }), "-thread", $("thread"));

async function refresh() {
  const all = await get("state");
  session.me = all.me;
  state.channels = all.channels;
  state.bot = all.bot;
  state.home = all.home;
  directory.users = new Map(all.users.map((user) => [user.id, user]));
  directory.channels = new Map(all.channels.filter((c) => c.name).map((c) => [c.id, c]));
  state.sessions = new Map(all.sessions.map((s) => [`${s.channel}/${s.thread_ts}`, s.session]));
  $("team").textContent = all.team;
  people(all.users);
  const wanted = location.hash.slice(1).split("/")[0];
  const known = (id) => all.channels.some((c) => c.id === id);
  const next = [state.channel, wanted].find(known) || all.channels[0]?.id;
  modal.show(all.view);
  await openChannel(next, state.thread || location.hash.split("/")[1] || null);
}

function people(users) {
  const select = $("act-as");
  const label = (user) => `${user.real_name}${user.is_restricted ? " (guest)" : user.is_stranger ? " (external)" : user.is_bot ? " (bot)" : ""}`;
  select.replaceChildren(...users.filter((u) => u.name !== "tunesmith").map((u) => el("option", { value: u.id }, label(u))));
  select.value = session.me;
}

function sidebar() {
  const item = (channel) => {
    const name = channel.is_im ? directory.users.get(channel.user)?.real_name || channel.user : channel.name;
    const unread = state.unread.get(channel.id) || 0;
    return el("li", {}, el("button", {
      "aria-current": channel.id === state.channel ? "page" : undefined, "data-testid": `channel-${channel.name || "dm"}`,
      class: unread ? "unread" : "", onclick: () => openChannel(channel.id),
    }, channel.is_im ? avatar(directory.users.get(channel.user)) : el("span", { class: "hash" }, channel.is_private ? icon("lock") : "#"),
    el("span", { class: "grow" }, name), unread ? el("span", { class: "count", "aria-label": `${unread} unread` }, unread) : null));
  };
  $("channels").replaceChildren(...state.channels.filter((c) => !c.is_im).map(item));
  $("dms").replaceChildren(...state.channels.filter((c) => c.is_im).map(item));
}

async function openChannel(id, thread = null) {
  if (!id) return;
  if (id !== state.channel) state.tab = "messages";
  state.channel = id;
  state.unread.delete(id);
  const channel = state.channels.find((c) => c.id === id);
  const name = channel.is_im ? directory.users.get(channel.user)?.real_name : `#${channel.name}`;
  $("channel-name").textContent = name;
  $("channel-topic").textContent = channel.is_im ? "Direct message" : `${channel.topic?.value || ""} · ${channel.num_members} members`;
  mainBox.placeholder(`Message ${name}`);
  $("tabs").hidden = !channel.is_im;
  tab(state.tab);
  const found = await get("messages", { channel: id });
  if (state.channel !== id) return;
  timeline.fill([...found.messages, ...found.ephemerals.filter((m) => !m.thread_ts)]);
  greet(channel);
  sidebar();
  await openThread(thread);
}

function greet(channel) {
  const served = channel && (channel.is_im || channel.members.includes(state.bot));
  $("welcome").hidden = !served || timeline.known.size > 0 || state.tab === "home";
}

async function openThread(ts) {
  state.thread = ts;
  $("thread").hidden = !ts;
  history.replaceState(null, "", `#${state.channel}${ts ? `/${ts}` : ""}`);
  if (!ts) return;
  try {
    const found = await get("replies", { channel: state.channel, ts });
    threadList.fill([...found.messages, ...found.ephemerals]);
    $("thread-channel").textContent = $("channel-name").textContent;
    showSession();
    threadBox.focus();
  } catch {
    await openThread(null);
  }
}

function showSession() {
  const known = state.sessions.get(`${state.channel}/${state.thread}`);
  const busy = known && (known.status === "processing" || known.text);
  prompts(known?.prompts || []);
  $("session").hidden = !busy;
  if (!busy) return;
  const stop = known.status === "processing" && el("button", {
    class: "btn", "data-testid": "stop", onclick: () => post("stop", { channel: state.channel, thread_ts: state.thread }).catch((e) => toast(explain(e))),
  }, "Stop");
  $("session").replaceChildren(el("span", { class: "grow" }, `Tunesmith ${known.text || "is working…"}`), ...(stop ? [stop] : []));
}

function prompts(list) {
  const place = { channel: state.channel, thread_ts: state.thread };
  $("prompts").replaceChildren(...list.map((prompt) => el("button", {
    class: "btn", onclick: () => post("message", { ...place, text: prompt.message }).catch((e) => toast(explain(e))),
  }, prompt.title)));
}

function tab(name) {
  state.tab = name;
  const home = name === "home";
  $("tab-home").setAttribute("aria-pressed", String(home));
  $("tab-messages").setAttribute("aria-pressed", String(!home));
  $("home").hidden = !home;
  $("timeline").hidden = home;
  $("composer-main").hidden = home;
  if (home) $("welcome").hidden = true;
  if (home) $("home").replaceChildren(modal.home(state.home));
}

function onchange(change) {
  const here = change.channel === state.channel;
  const data = change.message;
  switch (change.kind) {
    case "message": return arrived(change, here);
    case "changed":
      if (here && timeline.known.has(data.ts)) timeline.put(data);
      if (here && threadList.known.has(data.ts)) threadList.put(data);
      return undefined;
    case "deleted": return here && (timeline.drop(change.ts), threadList.drop(change.ts));
    case "ephemeral":
      if (here) $("welcome").hidden = true;
      if (here && (!data.thread_ts || data.thread_ts !== state.thread)) timeline.put(data);
      else if (here) threadList.put(data);
      return undefined;
    case "view": return modal.show(change.view);
    case "view_errors": return modal.errors(change.errors);
    case "home": state.home = change.view; return state.tab === "home" && tab("home");
    case "status": state.sessions.set(`${change.channel}/${change.thread_ts}`, change.session); return showSession();
    case "channels": return refresh();
    default: return undefined;
  }
}

function arrived({ channel, message }, here) {
  const reply = message.thread_ts && message.thread_ts !== message.ts;
  if (here && state.thread && message.thread_ts === state.thread) threadList.put(message);
  if (here && (!reply || message.subtype === "thread_broadcast")) timeline.put(message);
  if (here) $("welcome").hidden = true;
  if (!here && message.user !== session.me) {
    state.unread.set(channel, (state.unread.get(channel) || 0) + 1);
    sidebar();
  }
}

function connect() {
  source?.close();
  source = live(onchange, () => {
    $("connection").textContent = "online";
    $("connection").className = "up";
    refresh().catch((error) => toast(explain(error)));
  }, (dead) => {
    $("connection").textContent = "reconnecting…";
    $("connection").className = "down";
    if (dead) setTimeout(connect, 1000);
  });
}

$("act-as").addEventListener("change", (event) => {
  session.me = event.target.value;
  try { localStorage.setItem("act-as", session.me); } catch { /* private window */ }
  state.thread = null;
  state.unread.clear();
  connect();
});
$("close-thread").replaceChildren(icon("close"));
$("close-thread").addEventListener("click", () => { openThread(null); mainBox.focus(); });
$("tab-messages").addEventListener("click", () => { tab("messages"); greet(state.channels.find((c) => c.id === state.channel)); });
$("tab-home").addEventListener("click", async () => {
  state.home = (await post("home")).view;
  tab("home");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.thread && !document.querySelector("dialog[open]")) openThread(null);
});
connect();
