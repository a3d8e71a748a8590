// The people's side of the server.

export const session = { me: new URLSearchParams(location.search).get("as") || remembered() || "" };

function remembered() {
  try { return localStorage.getItem("act-as"); } catch { return null; }
}

export async function get(path, query = {}) {
  const search = new URLSearchParams({ as: session.me, ...query });
  return read(await fetch(`/sandbox/${path}?${search}`));
}

export async function post(path, body = {}) {
  const payload = JSON.stringify({ as: session.me, ...body });
  return read(await fetch(`/sandbox/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: payload,
  }));
}

export async function upload(file, query) {
  const known = Object.entries(query).filter(([, value]) => value);
  const search = new URLSearchParams({ as: session.me, filename: file.name, ...Object.fromEntries(known) });
  return read(await fetch(`/sandbox/upload?${search}`, { method: "POST", body: file }));
}

async function read(response) {
  let answer;
  try { answer = await response.json(); } catch { throw new Error(`the server answered ${response.status}`); }
  if (!answer.ok) throw Object.assign(new Error(answer.error), { answer });
  return answer;
}

const WORDS = {
  operation_timeout: "Tunesmith did not answer in 3 seconds (operation_timeout).",
  dispatch_failed: "Tunesmith is not connected (dispatch_failed).",
  file_too_large: "That file is larger than this workspace takes.",
  no_such_element: "That is no longer on the message.",
  not_in_channel: "You are not in that channel.",
};

export function explain(error) {
  return WORDS[error.message] || error.answer?.detail || error.message;
}

// Live changes for the person; onopen runs again after every reconnect.
export function live(onchange, onopen, ondown) {
  const source = new EventSource(`/sandbox/live?as=${encodeURIComponent(session.me)}`);
  source.onopen = onopen;
  source.onmessage = (event) => onchange(JSON.parse(event.data));
  source.onerror = () => ondown(source.readyState === EventSource.CLOSED);
  return source;
}
