// The front page: commands with this hub's own address, and a WebSocket tester.

import { $, copies, make } from "./common.js";
import { clear, event, frame, hold, problem } from "./frames.js";

const CODES = {
  1000: "normal closure", 1001: "the other side goes away", 1002: "protocol error", 1003: "unsupported data", 1005: "no code given",
  1007: "text that is not valid UTF-8", 1008: "against the server's policy", 1009: "message too big", 1010: "an extension is missing",
  1011: "the server failed", 1012: "the server restarts", 1013: "try again later", 1014: "a gateway got no good answer", 1015: "TLS failed",
  3000: "not authenticated", 3003: "forbidden", 3008: "timeout",
  4001: "the hub stops or restarts; come back", 4002: "this client reads too slowly; come back with its position",
  4003: "the hub has too much to do; come back later", 4500: "too many bad commands; mend the client", 4501: "this may not be opened",
};
const base = new URL(".", location.href);
const local = /^https?:$/.test(base.protocol) ? base : new URL("http://localhost:4000/");
const socketBase = local.href.replace(/^http/, "ws");
const CHOICES = [
  ["echo", "hello"],
  ["c/live:demo?echo=1", "hello"],
  ["chat/lobby?history=10", "hello from the tester"],
  ["ws", '{"op":"subscribe","id":1,"channel":"lobby","history":10,"presence":true}'],
];

let socket = null;
const sentTexts = [];
let recalled = 0;

for (const pre of document.querySelectorAll(".snippet pre")) {
  const place = pre.firstElementChild ?? pre;
  place.textContent = place.textContent.replaceAll("http://localhost:4000/", local.href).replaceAll("ws://localhost:4000/", socketBase);
  const button = make("button", "small", "Copy");
  button.type = "button";
  const title = pre.parentElement.querySelector("h3");
  button.setAttribute("aria-label", `Copy: ${title.textContent}`);
  title.append(button);
  copies(button, () => place.textContent);
}
for (const [path, message] of CHOICES) {
  const button = make("button", "", `/${path}`);
  button.type = "button";
  button.addEventListener("click", () => {
    if (socket) leave();
    $("url").value = socketBase + path;
    $("text").value = message;
  });
  $("choices").append(button);
}
$("url").value = `${socketBase}echo`;

function show(state, words) {
  const isIdle = state === "idle";
  $("state").dataset.state = state;
  $("state").textContent = words;
  $("toggle").textContent = isIdle ? "Connect" : "Disconnect";
  $("url").disabled = $("protocol").disabled = !isIdle;
  $("text").disabled = $("send").disabled = state !== "open";
  if (state === "open") $("text").focus({ preventScroll: true });
}

function connect() {
  let url = $("url").value.trim();
  if (!/^[a-z]+:\/\//i.test(url)) url = `${url.startsWith("/") ? socketBase.slice(0, -1) : "ws://"}${url}`;
  url = url.replace(/^http/i, "ws");
  if (location.protocol === "https:" && /^ws:/i.test(url)) {
    problem("This page came over https, and browsers do not let such a page open ws://. Use wss://, or open this page over http.");
    return;
  }
  let ws;
  try {
    ws = new WebSocket(url, $("protocol").value.split(/[\s,]+/).filter(Boolean));
  } catch (error) {
    problem(`${error.message} A WebSocket URL looks like ws://host:port/path, without #fragment.`);
    return;
  }
  socket = ws;
  let isOpen = false;
  ws.binaryType = "arraybuffer";
  show("wait", "Connecting…");
  event(`connecting to ${url}`);
  ws.onopen = () => {
    isOpen = true;
    const agreed = [ws.protocol && `subprotocol ${ws.protocol}`, ws.extensions].filter(Boolean).join(", ");
    show("open", "Connected");
    event(agreed ? `connected: ${agreed}` : "connected");
  };
  ws.onmessage = ({ data }) => frame(false, data);
  ws.onclose = ({ code, reason, wasClean }) => {
    if (socket !== ws) return;
    socket = null;
    show("idle", "Not connected");
    if (isOpen) closed(code, reason, wasClean);
    else refused(url);
  };
}

function leave() {
  $("state").textContent = "Closing…";
  socket.close(1000);
}

function closed(code, reason, wasClean) {
  const why = reason ? `, “${reason}”` : "";
  if (code === 1006) {
    problem("closed without a Close frame (1006): the server ended or crashed, or something between cut the connection. Is it still running? Then connect again.");
    return;
  }
  const other = code >= 4000 ? "a code of the application" : code >= 3000 ? "a registered code" : "a code without a meaning";
  const tell = wasClean && [1000, 1001, 1005].includes(code) ? event : problem;
  tell(`closed: ${code}, ${CODES[code] ?? other}${why}`);
}

/** Browsers do not say why a WebSocket was refused. This hub does, when it is asked by plain HTTP. */
async function refused(url) {
  const target = new URL(url);
  const http = url.replace(/^ws/i, "http").replace(/#.*$/, "");
  if (target.host !== location.host) {
    problem(
      `could not connect to ${target.host}. Does a server run there, at this port? Does it speak WebSocket at ${target.pathname}? ` +
        `Does it let pages from ${location.origin} in? ${target.protocol === "wss:" ? "Is its certificate trusted? Open " + target.origin.replace(/^ws/, "http") + " in a tab to see." : ""}`,
    );
    return;
  }
  try {
    const answer = await fetch(http, { cache: "no-store", signal: AbortSignal.timeout(3_000) });
    const isPage = (answer.headers.get("content-type") ?? "").includes("html");
    const words = isPage ? "" : (await answer.text()).trim().slice(0, 300);
    if (answer.status === 404) problem(`this hub has nothing at ${target.pathname}. Try /echo, /chat/ROOM, /c/CHANNEL or /ws.${words ? ` It says: ${words}` : ""}`);
    else problem(`the hub refused the connection. Asked by plain HTTP it answers ${answer.status}${words ? `: ${words}` : ""}`);
  } catch {
    problem("the hub does not answer. Does it still run? Start it again with: tidewire serve");
  }
}

function unhex(text) {
  const digits = text.replace(/0x|[\s,:]/gi, "");
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)).buffer;
}

$("connect").addEventListener("submit", (submit) => {
  submit.preventDefault();
  if (socket) leave();
  else connect();
});
$("compose").addEventListener("submit", (submit) => {
  submit.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) return;
  const text = $("text").value;
  const data = $("kind").value === "hex" ? unhex(text) : text;
  if (data === null) {
    problem("Binary is written as pairs of hex digits, for example 00 01 ff");
    return;
  }
  socket.send(data);
  frame(true, data);
  if (text && sentTexts[sentTexts.length - 1] !== text) sentTexts.push(text);
  if (sentTexts.length > 100) sentTexts.shift();
  recalled = sentTexts.length;
  $("text").value = "";
});
$("text").addEventListener("keydown", (key) => {
  if (key.key === "Enter" && !key.shiftKey && !key.isComposing) {
    key.preventDefault();
    $("compose").requestSubmit();
    return;
  }
  const step = { ArrowUp: -1, ArrowDown: 1 }[key.key];
  const isRecalled = !$("text").value || $("text").value === sentTexts[recalled];
  if (!step || !isRecalled || !sentTexts.length) return;
  key.preventDefault();
  recalled = Math.max(0, Math.min(sentTexts.length, recalled + step));
  $("text").value = sentTexts[recalled] ?? "";
});
$("pause").addEventListener("click", () => {
  const wanted = $("pause").getAttribute("aria-pressed") !== "true";
  $("pause").setAttribute("aria-pressed", String(wanted));
  $("pause").textContent = wanted ? "Go on" : "Pause";
  hold(wanted);
});
$("clear").addEventListener("click", clear);
$("open-room").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const room = $("room").value.trim();
  if (room) location.assign(`chat/${encodeURIComponent(room)}`);
});
