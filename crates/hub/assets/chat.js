"use strict";
const byId = (id) => document.getElementById(id);
const [, kind, part] = location.pathname.split("/");
const room = decodeURIComponent(part);
const channel = kind === "chat" ? "chat:" + room : room;
const people = new Map();
let ws = null, since = null, client = null, wait = 500, next = 1;

byId("room").textContent = document.title = room;

function show(who, text, note) {
  const line = document.createElement("p");
  if (note) line.className = "note";
  if (who) {
    const name = document.createElement("b");
    name.textContent = who + " ";
    line.append(name);
  }
  line.append(text);
  byId("log").append(line);
  line.scrollIntoView();
}

const nameOf = (from) => from.user || from.name || "guest " + (from.client || "").slice(0, 4);
const say = (command) => ws && ws.readyState === WebSocket.OPEN && ws.send(JSON.stringify({ id: next++, ...command }));

function showPeople() {
  byId("people").textContent = people.size + " here: " + [...new Set(people.values())].join(", ");
}

function hear(message) {
  switch (message.op) {
    case "hello":
      say({ op: "auth", client: client || message.client, ...(byId("name").value && { name: byId("name").value }) });
      say({ op: "subscribe", channel, presence: true, ...(since ? { since } : { history: 50 }) });
      say({ op: "presence", channel, limit: 1000 });
      break;
    case "ok":
      if (message.from && message.client) client = message.client;
      if (message.recovered === false) show(null, "some messages were missed", true);
      if (message.members) {
        people.clear();
        for (const member of message.members) people.set(member.session, nameOf(member));
        showPeople();
      }
      break;
    case "message": {
      if (message.pos) since = message.pos;
      const data = message.data;
      const text = message.text ?? (data && data.text) ?? (message.redacted ? "(removed)" : JSON.stringify(data ?? message.base64));
      show(nameOf(message.from || {}), text);
      break;
    }
    case "live":
      since = message.pos;
      break;
    case "join":
      people.set(message.session, nameOf(message));
      showPeople();
      break;
    case "leave":
      people.delete(message.session);
      showPeople();
      break;
    case "error":
      show(null, message.message, true);
      break;
    case "bye":
      if (message.retry_after_ms) wait = message.retry_after_ms;
      break;
  }
}

function connect() {
  ws = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
  ws.onopen = () => { wait = 500; };
  ws.onmessage = (event) => hear(JSON.parse(event.data));
  ws.onclose = (end) => {
    if (end.code >= 4500) return show(null, "closed: " + end.reason, true);
    setTimeout(connect, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, 15000);
  };
}

byId("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value;
  if (!text) return;
  say({ op: "publish", channel, data: { text }, key: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()) });
  byId("text").value = "";
});
byId("who").addEventListener("submit", (event) => {
  event.preventDefault();
  if (byId("name").value) say({ op: "auth", client, name: byId("name").value });
});
connect();
