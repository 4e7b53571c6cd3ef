"use strict";
const byId = (id) => document.getElementById(id);
const base = location.origin.replace(/^http/, "ws");
byId("snippet").textContent = byId("snippet").textContent.replace("ws://localhost:4000", base);
let ws = null;

function show(text, note) {
  const line = document.createElement("p");
  line.textContent = text;
  if (note) line.className = "note";
  byId("log").append(line);
  line.scrollIntoView();
}

byId("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  if (ws) ws.close();
  const socket = new WebSocket(new URL(byId("path").value, base + "/"));
  ws = socket;
  socket.onopen = () => show("connected to " + socket.url, true);
  socket.onclose = (end) => show(`closed: ${end.code} ${end.reason}`, true);
  socket.onmessage = (message) =>
    show(typeof message.data === "string" ? message.data : `${message.data.size} bytes`);
});

byId("send").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!ws || ws.readyState !== WebSocket.OPEN) return show("not connected", true);
  ws.send(byId("text").value);
  byId("text").value = "";
});
