// The open modal, and the app's home.
import { el, toast } from "./dom.js";
import { explain, post } from "./api.js";
import { blocks } from "./blocks.js";
import { icon } from "./icons.js";

const box = document.getElementById("modal");
let current = null;

function pressIn(view) {
  return (node, block, value) => (block.type === "input" && !block.dispatch_action
    ? Promise.resolve() : post("press", { view_id: view.id, action_id: node.action_id, block_id: block.block_id, value }));
}

export function show(view) {
  const same = current && view && current.view.id === view.id;
  const kept = same ? current.values() : {};
  if (!view) {
    current = null;
    box.close();
    return;
  }
  const inputs = [];
  const content = blocks(view.blocks, { kind: "view", act: pressIn(view), inputs });
  const close = () => post("view/close", { view_id: view.id }).catch((error) => toast(explain(error)));
  const submit = view.submit && el("button", { class: "btn primary", type: "submit", "data-testid": "modal-submit" }, view.submit.text);
  const values = () => read(inputs);
  const form = el("form", { method: "dialog", onsubmit: (event) => { event.preventDefault(); send(view, inputs, submit); } },
    el("header", {}, el("h2", {}, view.title?.text || ""), el("button", { class: "icon", type: "button", "aria-label": "Close", onclick: close }, icon("close"))),
    content,
    el("footer", { class: "row end" }, el("button", { class: "btn", type: "button", "data-testid": "modal-close", onclick: close }, view.close?.text || "Cancel"), submit));
  box.replaceChildren(form);
  box.oncancel = (event) => { event.preventDefault(); close(); };
  current = { view, inputs, values };
  restore(inputs, kept);
  if (!box.open) box.showModal();
}

function read(inputs) {
  const values = {};
  for (const { block, node, control } of inputs) (values[block.block_id] ||= {})[node.action_id] = control.read?.() ?? null;
  return values;
}

function restore(inputs, kept) {
  for (const { block, node, control } of inputs) {
    const value = kept[block.block_id]?.[node.action_id];
    if (control.write) control.write(value);
    else if (typeof value === "string" && "value" in control) control.value = value;
  }
}

async function send(view, inputs, button) {
  errors({});
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await post("view/submit", { view_id: view.id, values: read(inputs) });
    if (answer.ack?.response_action === "errors") errors(answer.ack.errors || {});
  } catch (error) {
    if (error.answer?.errors) errors(error.answer.errors);
    else toast(explain(error));
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

export function errors(found) {
  for (const block of box.querySelectorAll(".block")) {
    const place = block.querySelector(".error");
    if (place) place.textContent = found[block.dataset.blockId] || "";
  }
}

export function home(view) {
  if (!view) return el("p", { class: "dim" }, "Tunesmith has not published a home yet.");
  return blocks(view.blocks, { kind: "view", act: pressIn(view), inputs: [] });
}
