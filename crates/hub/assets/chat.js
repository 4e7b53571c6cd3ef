// The page of a chat room: what is shown, typed and clicked. The talking is done in room.js.

import { $, copies, lasting, make, ofTab } from "./common.js";
import { Connection } from "./connection.js";
import { initials, nameOf, personOf, toneOf } from "./people.js";
import { Room } from "./room.js";
import { Timeline } from "./timeline.js";

const TYPED_FOR = 5_000;
const SHOWN_PEOPLE = 200;
/** In a fuller room nobody wants to read who comes and goes. */
const TOLD_PEOPLE = 25;

const [kind, last] = location.pathname.split("/").slice(-2);
const name = (() => {
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
})();
/** `/c/NAME` names any channel, `/chat/NAME` always one of `chat`. */
const channel = kind === "c" ? name : `chat:${name}`;
const socketUrl = new URL("../ws", location.href);
socketUrl.protocol = socketUrl.protocol === "https:" ? "wss:" : "ws:";
socketUrl.search = socketUrl.hash = "";

const identity = { token: ofTab.get("tidewire.client"), name: lasting.get("tidewire.name") || "" };
let me = null;
let isEntered = false;
let hasOlder = true;
let isLoading = false;
let unread = 0;
let away = 0;
let retryTicker = null;
const typists = new Map();

const timeline = new Timeline($("log"), {
  trimmed(pos) {
    hasOlder = true;
    room.startsAt(pos);
    showTop();
  },
  scrolled(isPinned, isAtTop) {
    if (isPinned) away = 0;
    showJump();
    if (isAtTop && isEntered) older();
  },
});

const connection = new Connection(socketUrl.href, identity, {
  state: showState,
  push: (push) => room.push(push),
  async open() {
    try {
      await introduce();
    } catch (problem) {
      // A name that this hub does not take must not keep anyone out of reading.
      if (!problem.code) return;
      identity.name = "";
      askName(problem.message);
      await introduce().catch(() => {});
    }
    await room.enter();
  },
});

const room = new Room(connection, channel, {
  message(message) {
    const isNew = isEntered && personOf(message.from) !== me;
    if (isNew) mark();
    if (!timeline.add(message)) return;
    typed(message.from, false);
    if (isNew && !timeline.isPinned) away += 1;
    $("empty").hidden = true;
    showJump();
  },
  page(messages, { older, replaces }) {
    $("log").setAttribute("aria-busy", "true");
    const replaced = replaces && timeline.renew(messages);
    if (older) timeline.prepend(messages);
    if (replaced) hasOlder = true;
    showTop();
    settle();
    return replaced;
  },
  live() {
    isEntered = true;
    showState({ kind: "live" });
    settle();
    showTop();
    $("empty").hidden = $("log").querySelector(".message") !== null;
    // A short page leaves room for older messages.
    if (!timeline.isFull) older();
  },
  pending(item) {
    timeline.pending(item, me && { client: me, name: identity.name });
    $("empty").hidden = true;
  },
  waits: (item, why) => timeline.waits(item.key, why),
  failed: (item, why) => timeline.failed(item.key, why, () => room.again(item)),
  sent: (item, pos) => timeline.sent(item.key, pos),
  people: showPeople,
  typing: (message) => typed(message.from, message.data.typing === true),
  gap() {
    if ($("log").querySelector(".message")) timeline.note("Some messages may be missing here.");
  },
  closed(problem) {
    showState({ kind: "ended", reason: problem.message });
  },
});

/** Tells the hub who we are; it says what others see. */
async function introduce() {
  const from = await connection.authenticate();
  ofTab.set("tidewire.client", identity.token);
  me = personOf(from);
  timeline.me(me);
  showMe();
}

/** New messages are spoken, pages of old ones are not. */
function settle() {
  setTimeout(() => $("log").setAttribute("aria-busy", "false"), 100);
}

async function older() {
  if (isLoading || !hasOlder) return;
  isLoading = true;
  showTop();
  try {
    hasOlder = await room.older();
  } catch {
    // The connection is gone; when it is back, scrolling asks again.
  }
  isLoading = false;
  showTop();
  if (hasOlder && !timeline.isFull && isEntered) older();
}

function showTop() {
  $("older").hidden = !hasOlder || !isEntered;
  $("older").textContent = isLoading ? "Loading older messages…" : "Show older messages";
  $("beginning").hidden = hasOlder || $("log").querySelector(".message") === null;
}

function showState({ kind, until, code, reason }) {
  const words = { connecting: "Connecting…", open: "Connecting…", live: "Connected", waiting: "Offline", ended: "Closed" };
  $("state").textContent = words[kind];
  $("state").dataset.state = { live: "open", ended: "closed", waiting: "closed" }[kind] ?? "wait";
  clearInterval(retryTicker);
  if (kind === "waiting") {
    room.left();
    const tell = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      const when = seconds > 1 ? `trying again in ${seconds} s` : "reconnecting…";
      banner(`${isEntered ? "The connection was lost" : "The hub does not answer"}: ${when}`, true);
    };
    tell();
    // Spoken once, counted down for the eyes.
    $("banner").setAttribute("aria-live", "off");
    retryTicker = setInterval(tell, 1000);
  } else if (kind === "ended") {
    banner(`This room is closed to this page: ${reason || `code ${code}`}. Reload to try again.`, false);
    for (const id of ["compose", "naming", "rename"]) $(id).hidden = true;
  } else if (kind === "live") {
    $("banner").hidden = true;
    $("banner").setAttribute("aria-live", "assertive");
  }
}

function banner(text, canRetry) {
  $("banner").hidden = false;
  if ($("banner-text").textContent !== text) $("banner-text").textContent = text;
  $("retry").hidden = !canRetry;
}

function showMe() {
  $("me").textContent = identity.name || "not named yet";
  $("rename").hidden = !identity.name || !$("naming").hidden;
}

function showPeople(people, note) {
  const all = people?.all() ?? [];
  $("no-people").hidden = people !== null;
  $("people-title").textContent = people ? `People (${all.length})` : "People";
  $("count").textContent = people ? `${all.length} here` : "Room";
  const items = all.slice(0, SHOWN_PEOPLE).map(([person, member]) => {
    const item = make("li");
    const picture = make("span", `avatar ${toneOf(member)}`, initials(nameOf(member)));
    picture.setAttribute("aria-hidden", "true");
    const who = make("span", "who", nameOf(member));
    who.dir = "auto";
    who.title = nameOf(member);
    item.append(picture, who);
    if (person === me) item.append(make("span", "faint", "you"));
    return item;
  });
  if (all.length > SHOWN_PEOPLE) items.push(make("li", "faint", `and ${all.length - SHOWN_PEOPLE} more`));
  $("people").replaceChildren(...items);
  if (note && all.length <= TOLD_PEOPLE) timeline.note(note);
}

/** A message came while nobody looked: counts it, and marks where the new ones begin. */
function mark() {
  if (!document.hidden) return;
  if (!unread) {
    $("log").querySelector(".new")?.remove();
    timeline.note("New", "note new");
  }
  unread += 1;
  showTitle();
}

function showTitle() {
  document.title = `${unread ? `(${unread}) ` : ""}${name} · Tidewire`;
}

function showJump() {
  $("jump").hidden = timeline.isPinned;
  $("jump").textContent = away ? `${away} new ${away === 1 ? "message" : "messages"} ↓` : "Newest messages ↓";
}

function typed(from, isTyping) {
  const person = personOf(from);
  if (person === me) return;
  clearTimeout(typists.get(person)?.timer);
  typists.delete(person);
  if (isTyping) typists.set(person, { name: nameOf(from), timer: setTimeout(() => typed(from, false), TYPED_FOR) });
  const names = [...typists.values()].map((typist) => typist.name);
  const some = names.length > 3 ? "Several people are typing…" : `${names.join(", ")} ${names.length > 1 ? "are" : "is"} typing…`;
  $("typing").textContent = names.length ? some : "";
}

function askName(problem = "") {
  $("naming").hidden = false;
  $("compose").hidden = true;
  $("keep-name").hidden = !identity.name;
  $("name").value = identity.name;
  $("name-problem").hidden = !problem;
  $("name-problem").textContent = problem;
  $("naming").querySelector(".main").textContent = identity.name ? "Save" : "Join";
  showMe();
  $("name").focus();
}

function named() {
  $("naming").hidden = true;
  $("compose").hidden = false;
  showMe();
  $("text").focus();
}

function grow() {
  $("text").style.height = "auto";
  $("text").style.height = `${Math.min($("text").scrollHeight + 2, 160)}px`;
}

function showSide(isShown) {
  document.body.classList.toggle("with-side", isShown);
  $("show-side").setAttribute("aria-expanded", String(isShown));
}

$("naming").addEventListener("submit", async (event) => {
  event.preventDefault();
  const before = identity.name;
  identity.name = $("name").value.trim();
  if (!identity.name) return;
  try {
    await introduce();
  } catch (problem) {
    // Without a connection it is told as soon as there is one.
    if (problem.code) {
      identity.name = before;
      $("name-problem").hidden = false;
      $("name-problem").textContent = problem.message;
      return;
    }
  }
  lasting.set("tidewire.name", identity.name);
  named();
});
$("keep-name").addEventListener("click", named);
$("naming").addEventListener("keydown", (event) => event.key === "Escape" && identity.name && named());
$("rename").addEventListener("click", () => {
  showSide(false);
  askName();
});
$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  room.send(text);
  $("text").value = "";
  grow();
  $("text").focus();
});
$("text").addEventListener("input", () => {
  grow();
  room.typing($("text").value.trim() !== "");
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("compose").requestSubmit();
});
$("older").addEventListener("click", older);
$("retry").addEventListener("click", () => connection.retryNow());
$("jump").addEventListener("click", () => {
  timeline.toEnd();
  if (!$("compose").hidden) $("text").focus();
});
$("show-side").addEventListener("click", () => showSide(!document.body.classList.contains("with-side")));
document.addEventListener("keydown", (event) => event.key === "Escape" && showSide(false));
$("log").addEventListener("click", () => showSide(false));
$("go").addEventListener("submit", (event) => {
  event.preventDefault();
  const other = $("other").value.trim();
  if (other) location.assign(`../chat/${encodeURIComponent(other)}`);
});
copies($("copy"), () => new URL(location.pathname, location.href).href);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
});

$("room").textContent = name;
showTitle();
if (identity.name) named();
else askName();
connection.start();
