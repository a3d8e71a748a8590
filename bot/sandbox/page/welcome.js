// What to try first: shown while a channel of the app is still empty.
import { el, toast } from "./dom.js";
import { explain, post } from "./api.js";

const QUESTION = "@Tunesmith should we fine-tune or use RAG? Our answers must be strict JSON, and we have 400 examples";
const EXAMPLE = "tickets.jsonl";

// place(): {channel}; attach(file) puts a file into the composer.
export function fill(root, place, attach) {
  const say = (text) => () => post("message", { ...place(), text }).catch((error) => toast(explain(error)));
  const step = (test, label, words, onclick) => el("li", {},
    el("button", { class: "btn", type: "button", "data-testid": `try-${test}`, onclick }, label), el("span", {}, words));
  root.replaceChildren(
    el("h2", {}, "Welcome. Three things to try"),
    el("ol", {},
      step("advice", "Ask for advice", "Fine-tune, RAG or just a prompt? Answers come in a thread: press “1 reply” to open it.", say(QUESTION)),
      step("example", "Attach the example", "428 support tickets, some rows broken on purpose (examples/tickets.jsonl). Send it, read the report, press Train, then Approve.", () => example(attach)),
      step("help", "See all commands", "What you can say, and where.", say("@Tunesmith help"))),
    el("p", { class: "dim" }, "You act as the person at the top left. Nobody approves their own promotion: when one is asked for, act as Grace Murray and press Approve."),
  );
}

async function example(attach) {
  const found = await fetch("/sandbox/example");
  if (!found.ok) return toast("The example file is not installed here: drop a .jsonl file of your own.");
  return attach(new File([await found.blob()], EXAMPLE, { type: "application/x-ndjson" }));
}
