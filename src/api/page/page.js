// Asks the daemon every two seconds and shows what it says. All of it comes in as text, never as markup.
"use strict";

const EVERY_MS = 2000;
const LIMIT_MS = 5000;
const place = (id) => document.getElementById(id);
const said = (value) => (value === null || value === undefined ? "-" : String(value));
const number = (value) => (typeof value === "number" ? value.toLocaleString("en") : null);
let seen = null;

class NoToken extends Error {}

async function ask(path) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const answer = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) });
  if (answer.status === 401) throw new NoToken();
  return answer.json();
}

function list(place, texts) {
  place.replaceChildren(...texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

function row(cells) {
  const line = document.createElement("tr");
  line.append(...cells.map((text) => {
    const cell = document.createElement("td");
    cell.textContent = said(text);
    return cell;
  }));
  return line;
}

function show(ready, ensemble, servers, nodes) {
  const quorum = ensemble.quorum;
  const verdict = said(ensemble.state).replaceAll("_", " ");
  const count = quorum ? ` ${said(quorum.serving)} of ${said(quorum.voters)} servers` : "";
  const waits = ready.state === "starting" ? "it starts, and takes no commands yet" : "no commands are taken now";
  const takes = ready.ready ? "commands are taken" : waits;
  place("state").textContent = `${verdict}:${count}, ZooKeeper leader ${said(ensemble.leader)}; ${takes}`;
  const problems = [...(ready.missing || []), ...(ready.alerts || [])];
  list(place("problems"), problems.map((one) => (typeof one === "string" ? one : said(one.text))));
  const files = new Map(nodes.nodes.map((node) => [node.id, node]));
  place("nodes").replaceChildren(...servers.servers.map((server) => {
    const node = files.get(server.node) || {};
    // Before all records were read, the counts are too low.
    const [count, bytes] = nodes.files_complete ? [node.files, node.bytes].map(number) : [null, null];
    return row([server.node, server.verdict.state, server.role, node.condition, count, bytes]);
  }));
  document.querySelector("table").hidden = false;
}

async function turn() {
  try {
    show(...await Promise.all(["/readyz", "/api/ensemble", "/api/servers", "/api/nodes"].map(ask)));
    seen = new Date();
    place("ask").hidden = true;
    document.querySelector("table").classList.remove("stale");
  } catch (error) {
    if (error instanceof NoToken) {
      place("state").textContent = "The token is missing or wrong.";
      place("ask").hidden = false;
      return;
    }
    const when = seen ? `; what is shown is from ${seen.toLocaleTimeString()}` : "";
    place("state").textContent = `No answer from the daemon${when}. Is it still running?`;
    list(place("problems"), []);
    document.querySelector("table").classList.add("stale");
  }
  setTimeout(turn, EVERY_MS);
}

place("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", place("token").value);
  place("token").value = "";
  turn();
});
turn();
