// Where a person types: text, files, slash commands.
import { el, toast } from "./dom.js";
import { explain, post, upload } from "./api.js";
import { icon } from "./icons.js";

// where(): {channel, thread_ts?}; suffix keeps test ids apart ("" or "-thread").
export function composer(root, where, suffix, dropZone) {
  let pending = [];
  const chips = el("div", { class: "pending" });
  const box = el("textarea", {
    rows: 1, "aria-label": suffix ? "Reply" : "Message", placeholder: suffix ? "Reply…" : "Message",
    "data-testid": `composer${suffix}`, oninput: () => grow(), onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    },
    onpaste: (event) => { if (event.clipboardData.files.length) { event.preventDefault(); add(event.clipboardData.files); } },
  });
  const picker = el("input", {
    type: "file", multiple: true, class: "hidden-input", "data-testid": `upload-input${suffix}`, "aria-label": "Attach files", tabindex: "-1",
    onchange: () => { add(picker.files); picker.value = ""; },
  });
  const submit = el("button", { class: "btn send", type: "button", "aria-label": "Send", "data-testid": `send${suffix}`, onclick: () => send() }, icon("send"));
  const mention = el("button", { class: "icon", type: "button", "aria-label": "Mention Tunesmith", title: "Mention Tunesmith", onclick: () => insert("@Tunesmith ") }, icon("mention"));
  const attach = el("button", { class: "icon", type: "button", "aria-label": "Attach a file", title: "Attach a file", onclick: () => picker.click() }, icon("attach"));
  root.append(el("div", { class: "composer" }, chips, box, el("div", { class: "row tools" }, attach, picker, mention, el("span", { class: "grow" }), submit)));

  function grow() { box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight, 180)}px`; }
  function insert(text) { box.setRangeText(text, box.selectionStart, box.selectionEnd, "end"); box.focus(); }
  function add(files) { pending.push(...files); show(); box.focus(); }
  function show() {
    chips.replaceChildren(...pending.map((file, n) => el("span", { class: "chip", "data-testid": "pending-file" }, file.name,
      el("button", { type: "button", "aria-label": `Remove ${file.name}`, onclick: () => { pending.splice(n, 1); show(); } }, icon("close")))));
  }

  async function send() {
    const text = box.value.trim();
    if (!text && !pending.length) return;
    submit.setAttribute("aria-busy", "true");
    submit.disabled = true;
    try {
      await deliver(text);
      box.value = "";
      pending = [];
      show();
      grow();
    } catch (error) {
      toast(explain(error));
    } finally {
      submit.disabled = false;
      submit.removeAttribute("aria-busy");
    }
  }

  async function deliver(text) {
    const place = where();
    const command = text.match(/^(\/[a-z][\w-]*)\s*([\s\S]*)$/i);
    if (command && place.thread_ts) throw new Error("Slack runs no slash commands in threads: type it in the channel.");
    if (command) return post("command", { channel: place.channel, command: command[1], text: command[2] });
    if (!pending.length) return post("message", { ...place, text });
    for (const [n, file] of pending.entries()) await upload(file, { ...place, text: n ? "" : text });
    return null;
  }

  const over = (on) => (event) => { event.preventDefault(); dropZone.classList.toggle("dropping", on); };
  dropZone.addEventListener("dragover", over(true));
  dropZone.addEventListener("dragleave", over(false));
  dropZone.addEventListener("drop", (event) => { over(false)(event); add(event.dataTransfer.files); });
  return { attach: (file) => add([file]), focus: () => box.focus(), placeholder: (text) => { box.placeholder = text; } };
}
