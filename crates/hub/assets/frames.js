// The log of the tester: what went and came, with time and size; bounded, and it can be held.

import { $, bytes, make } from "./common.js";

const KEPT = 1_000;
const SHOWN = 20_000;
const encoder = new TextEncoder();

let waiting = [];
let isHeld = false;
let isDue = false;
let sent = 0;
let received = 0;
let passed = 0;

/** Something about the connection. */
export const event = (text) => row("event", "·", "event", "", text);
/** Something that went wrong, and what to do about it. */
export const problem = (text) => row("problem", "!", "problem", "", text);

/** A message of the connection: a string, or an ArrayBuffer. */
export function frame(isOut, data) {
  if (isOut) sent += 1;
  else received += 1;
  const [kind, arrow, spoken] = isOut ? ["out", "↑", "sent"] : ["in", "↓", "received"];
  if (typeof data === "string") row(kind, arrow, spoken, bytes(encoder.encode(data).length), short(data));
  else row(kind, arrow, `${spoken}, binary`, `${bytes(data.byteLength)} bin`, hex(data));
}

/** Shows nothing new until it is let go; what comes meanwhile waits, as much as the log keeps. */
export function hold(wanted) {
  isHeld = wanted;
  if (!isHeld) draw();
  tell();
}

export function clear() {
  waiting = [];
  sent = received = passed = 0;
  $("frames").replaceChildren();
  tell();
}

function short(text) {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${text.length - SHOWN} characters more)` : text;
}

function hex(buffer) {
  const view = new Uint8Array(buffer, 0, Math.min(buffer.byteLength, Math.floor(SHOWN / 3)));
  const text = Array.from(view, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return view.length < buffer.byteLength ? `${text} … (${buffer.byteLength - view.length} bytes more)` : text;
}

function stamp(now) {
  const two = (n, width = 2) => String(n).padStart(width, "0");
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${two(now.getMilliseconds(), 3)}`;
}

/** One line. A flood is drawn once per frame of the screen, and no faster. */
function row(...parts) {
  waiting.push([new Date(), ...parts]);
  if (waiting.length > KEPT) {
    waiting.shift();
    passed += 1;
  }
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    if (!isHeld) draw();
    tell();
  }, 16);
}

function draw() {
  const log = $("frames");
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const lines = waiting.map(([now, kind, arrow, spoken, size, text]) => {
    const line = make("li", kind);
    const time = make("time", "", stamp(now));
    time.dateTime = now.toISOString();
    const way = make("span", "way");
    const glyph = make("span", "", arrow);
    glyph.setAttribute("aria-hidden", "true");
    way.append(glyph, make("span", "sr", spoken));
    line.append(time, way, make("span", "size", size), make("pre", "", text));
    return line;
  });
  waiting = [];
  log.append(...lines);
  while (log.childElementCount > KEPT) log.firstElementChild.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function tell() {
  const parts = [];
  if (sent + received) parts.push(`${sent} sent, ${received} received`);
  if (isHeld && waiting.length) parts.push(`${waiting.length} held`);
  if (passed) parts.push(`${passed} not shown`);
  $("tally").textContent = parts.join(" · ");
}
