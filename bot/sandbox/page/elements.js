// Interactive elements. `act(element, block, value)` tells the app; `read` gives an input's value in a modal.
import { el, toast } from "./dom.js";
import { explain } from "./api.js";
import { icon } from "./icons.js";
import { directory, emoji } from "./mrkdwn.js";

const plain = (text) => (text ? text.text.replace(/:([a-z0-9_+-]+):/g, (raw, name) => emoji(name)) : "");

export function element(node, block, context) {
  const build = ELEMENTS[node.type];
  if (!build) return el("span", { class: "unknown" }, `[${node.type}]`);
  return build(node, block, context);
}

async function press(node, block, context, value, control) {
  if (node.confirm && !(await confirmed(node.confirm))) return;
  control.setAttribute("aria-busy", "true");
  control.classList.remove("failed");
  try {
    await context.act(node, block, value);
  } catch (error) {
    control.classList.add("failed");
    toast(explain(error));
  } finally {
    control.removeAttribute("aria-busy");
  }
}

export function confirmed(dialog) {
  const box = document.getElementById("confirm");
  return new Promise((resolve) => {
    const close = (answer) => { box.onclose = null; box.close(); resolve(answer); };
    const kind = dialog.style === "danger" ? "danger" : "primary";
    box.replaceChildren(
      el("h2", {}, plain(dialog.title) || "Are you sure?"), el("p", {}, plain(dialog.text)),
      el("div", { class: "row end" },
        el("button", { class: "btn", "data-testid": "confirm-deny", onclick: () => close(false) }, plain(dialog.deny) || "Cancel"),
        el("button", { class: `btn ${kind}`, "data-testid": "confirm-yes", onclick: () => close(true) }, plain(dialog.confirm) || "Yes")),
    );
    box.onclose = () => resolve(false);
    box.showModal();
  });
}

function button(node, block, context) {
  const control = el("button", {
    class: `btn ${node.style || ""}`, type: "button", "data-testid": node.action_id, "data-value": node.value,
    "aria-label": node.accessibility_label,
    onclick: () => {
      if (node.url && /^https?:/i.test(node.url)) window.open(node.url, "_blank", "noopener");
      press(node, block, context, node.value, control);
    },
  }, plain(node.text));
  return control;
}

function iconButton(node, block, context) {
  const control = el("button", {
    class: "btn icon", type: "button", "data-testid": node.action_id, "aria-label": node.accessibility_label || plain(node.text),
    title: plain(node.text), onclick: () => press(node, block, context, node.value, control),
  }, icon(node.icon === "trash" ? "trash" : "reply"));
  return control;
}

function feedback(node, block, context) {
  const side = (part, sign) => {
    const spec = node[part];
    const control = el("button", {
      class: "btn icon", type: "button", "data-testid": `${node.action_id}:${spec.value}`, title: plain(spec.text),
      "aria-label": spec.accessibility_label || plain(spec.text), "aria-pressed": "false",
      onclick: () => { control.setAttribute("aria-pressed", "true"); press(node, block, context, spec.value, control); },
    }, icon(sign));
    return control;
  };
  return el("span", { class: "feedback", role: "group", "aria-label": "Feedback" }, side("positive_button", "up"), side("negative_button", "down"));
}

function menu(node, block, context) {
  const groups = node.option_groups || [{ options: choicesOf(node) }];
  const control = el("select", {
    class: "field", "data-testid": node.action_id, "aria-label": plain(node.placeholder) || node.action_id,
    onchange: () => press(node, block, context, control.value, control),
  }, el("option", { value: "", disabled: context.kind !== "view", selected: true }, plain(node.placeholder) || "Choose…"),
  groups.map((group) => {
    const options = group.options.map((o) => el("option", { value: o.value, title: plain(o.description) }, plain(o.text)));
    return group.label ? el("optgroup", { label: plain(group.label) }, options) : options;
  }));
  control.value = node.initial_option?.value || node.initial_user || node.initial_channel || node.initial_conversation || "";
  control.read = () => control.value || null;
  return control;
}

function choicesOf(node) {
  const option = (value, text) => ({ value, text: { text } });
  if (node.type.includes("users")) return [...directory.users.values()].map((u) => option(u.id, u.real_name));
  if (/channels|conversations/.test(node.type)) return [...directory.channels.values()].map((c) => option(c.id, c.name || c.id));
  return node.options || [];
}

function multiMenu(node, block, context) {
  const control = el("select", {
    class: "field", multiple: true, "data-testid": node.action_id, "aria-label": plain(node.placeholder) || node.action_id,
    onchange: () => press(node, block, context, control.read(), control),
  }, choicesOf(node).map((o) => el("option", { value: o.value }, plain(o.text))));
  const first = (node.initial_options || []).map((o) => o.value);
  for (const option of control.options) option.selected = first.includes(option.value);
  control.read = () => [...control.selectedOptions].map((option) => option.value);
  return control;
}

function ticks(kind) {
  return (node, block, context) => {
    const name = `${block.block_id}-${node.action_id}-${Math.random().toString(36).slice(2)}`;
    const first = (node.initial_options || [node.initial_option]).filter(Boolean).map((o) => o.value);
    const boxes = node.options.map((o) => el("input", { type: kind, name, value: o.value, checked: first.includes(o.value) }));
    const control = el("div", {
      class: "ticks", role: "group", "data-testid": node.action_id, "aria-label": plain(block.label) || node.action_id,
      onchange: () => press(node, block, context, control.read(), control),
    }, node.options.map((o, n) => el("label", {}, boxes[n], el("span", {}, plain(o.text), el("small", {}, plain(o.description))))));
    control.read = () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      return kind === "radio" ? chosen[0] ?? null : chosen;
    };
    control.write = (value) => {
      if (value == null) return;
      for (const box of boxes) box.checked = [value].flat().includes(box.value);
    };
    return control;
  };
}

function overflow(node, block, context) {
  const control = el("details", { class: "overflow", "data-testid": node.action_id },
    el("summary", { class: "btn icon", "aria-label": "More actions" }, "⋯"),
    el("div", { class: "menu", role: "menu" }, node.options.map((o) => el("button", {
      type: "button", role: "menuitem", "data-testid": `${node.action_id}:${o.value}`,
      onclick: () => { control.open = false; press(node, block, context, o.value, control); },
    }, plain(o.text)))));
  return control;
}

function typed(type) {
  return (node, block, context) => {
    const tag = node.multiline ? "textarea" : "input";
    const first = node.initial_value ?? node.initial_date ?? node.initial_time ?? "";
    const control = el(tag, {
      class: "field", type: node.multiline ? undefined : type, "data-testid": node.action_id, value: first,
      placeholder: plain(node.placeholder), maxlength: node.max_length, rows: node.multiline ? 4 : undefined,
      min: node.min_value, max: node.max_value, step: node.is_decimal_allowed ? "any" : undefined,
      "aria-label": plain(block.label) || node.action_id,
      onchange: () => { if (block.type !== "input" || block.dispatch_action) press(node, block, context, control.value, control); },
    });
    control.read = () => control.value || null;
    return control;
  };
}

const ELEMENTS = {
  button, workflow_button: button, icon_button: iconButton, feedback_buttons: feedback, overflow,
  static_select: menu, external_select: menu, users_select: menu, channels_select: menu, conversations_select: menu,
  multi_static_select: multiMenu, multi_users_select: multiMenu,
  checkboxes: ticks("checkbox"), radio_buttons: ticks("radio"),
  plain_text_input: typed("text"), email_text_input: typed("email"), url_text_input: typed("url"),
  number_input: typed("number"), datepicker: typed("date"), timepicker: typed("time"),
};
