// The list of messages: order, groups by person and day, scrolling, and how much of it is kept.

import { make } from "./common.js";
import { content } from "./content.js";
import { initials, nameOf, personOf, toneOf } from "./people.js";

/** Messages that the page holds while the newest are looked at; scrolling up brings the others back. */
const HELD = 600;
/** Messages that it holds at all. */
const HELD_AT_ALL = 4_000;
const GROUP = 5 * 60_000;
const NEAR = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

function dayOf(at) {
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(Date.now()) - midnight(at)) / 86_400_000);
  return ["Today", "Yesterday"][days] ?? weekday.format(at);
}

export class Timeline {
  #log;
  #me = null;
  #byPos = new Map();
  #pending = new Map();
  #isPinned = true;
  #on;

  /** `on.trimmed(pos)`: the oldest shown is now that one. `on.scrolled(isPinned, isAtTop)`. */
  constructor(log, on) {
    this.#log = log;
    this.#on = on;
    log.addEventListener("scroll", () => {
      this.#isPinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
      on.scrolled(this.#isPinned, log.scrollTop < 200);
    });
    new ResizeObserver(() => this.#isPinned && this.toEnd()).observe(log);
  }

  get isPinned() {
    return this.#isPinned;
  }

  /** Whether there is more than fits. */
  get isFull() {
    return this.#log.scrollHeight > this.#log.clientHeight + NEAR;
  }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Who looks: their messages are on the right. Known only after the first messages may be. */
  me(person) {
    if (this.#me === person) return;
    this.#me = person;
    for (const item of this.#log.querySelectorAll("li.message:not(.pending)")) item.classList.toggle("own", item.dataset.person === person);
  }

  /** Adds a message at the end. `false`: it is there already. */
  add(message) {
    if (message.pos && this.#byPos.has(message.pos)) {
      this.#forget(message.key);
      return false;
    }
    const item = this.#pending.get(message.key)?.item ?? this.#item(message);
    if (this.#pending.delete(message.key)) this.#stamp(item, message);
    this.#insert(item, this.#firstPending());
    if (message.pos) this.#byPos.set(message.pos, item);
    this.#trim();
    return true;
  }

  /** Adds an older page at the top; what is looked at stays where it is. */
  prepend(messages) {
    const { scrollHeight, scrollTop } = this.#log;
    const first = this.#log.querySelector("li.message, li.note");
    for (const message of messages) {
      if (this.#byPos.has(message.pos)) continue;
      const item = this.#item(message);
      this.#byPos.set(message.pos, item);
      this.#insert(item, first);
    }
    this.#log.scrollTop = scrollTop + this.#log.scrollHeight - scrollHeight;
  }

  /** The newest page, after something was missed. `true`: it took the place of all that was shown. */
  renew(messages) {
    const known = messages.filter(({ pos }) => this.#byPos.has(pos)).length;
    if (messages.length === 0) return false;
    // What came since the page was asked for is behind it.
    const last = this.#byPos.get(messages[messages.length - 1].pos);
    const later = last ? following(last) : [];
    if (known) {
      for (const message of messages) {
        if (!this.#byPos.has(message.pos)) this.add(message);
      }
      for (const item of later) this.#insert(item, this.#firstPending());
      return false;
    }
    for (const item of this.#log.querySelectorAll("li.message:not(.pending), li.note")) item.remove();
    this.#byPos.clear();
    for (const message of messages) this.add(message);
    this.toEnd();
    return true;
  }

  /** A message of this page that is not kept yet. */
  pending(item, from) {
    const element = this.#item({ at: item.at, from: from ?? { client: this.#me }, data: { text: item.text } });
    element.classList.add("own", "pending");
    this.#pending.set(item.key, { item: element });
    this.#state(element, "sending…");
    this.#insert(element, null);
    this.toEnd();
  }

  /** It is kept, at that position; usually it has come back as a message by then. */
  sent(key, pos) {
    const known = this.#pending.get(key);
    if (!known) return;
    if (this.#byPos.has(pos)) this.#forget(key);
    else this.#state(known.item, "✓", "sent");
  }

  /** It waits, and why. */
  waits(key, why) {
    const known = this.#pending.get(key);
    if (known) this.#state(known.item, `waiting: ${why}`);
  }

  /** It was refused. */
  failed(key, why, again) {
    const known = this.#pending.get(key);
    if (!known) return;
    known.item.classList.add("failed");
    const state = this.#state(known.item, `not sent: ${why}`);
    const button = (label, act) => {
      const element = make("button", "link", label);
      element.type = "button";
      element.addEventListener("click", act);
      state.append(" ", element);
    };
    button("Try again", () => {
      known.item.classList.remove("failed");
      this.#state(known.item, "sending…");
      again();
    });
    button("Remove", () => this.#forget(key));
  }

  /** A line of the page itself. */
  note(text, className = "note") {
    const item = make("li", className);
    item.append(make("span", "", text));
    this.#insert(item, this.#firstPending());
    return item;
  }

  #forget(key) {
    this.#pending.get(key)?.item.remove();
    this.#pending.delete(key);
  }

  #firstPending() {
    return this.#log.querySelector("li.pending");
  }

  #item(message) {
    const { from = {}, at } = message;
    const name = nameOf(from);
    const item = make("li", "message");
    item.dataset.person = personOf(from);
    item.dataset.at = at;
    if (message.pos) item.dataset.pos = message.pos;
    item.classList.toggle("own", item.dataset.person === this.#me);
    const picture = make("span", `avatar ${toneOf(from)}`, initials(name));
    picture.setAttribute("aria-hidden", "true");
    const head = make("div", "head");
    const who = make("b", "who", name);
    who.dir = "auto";
    const time = make("time", "", clock.format(at));
    time.dateTime = new Date(at).toISOString();
    head.append(who, time);
    const bubble = make("div", "bubble");
    bubble.title = whole.format(at);
    bubble.append(content(message));
    const body = make("div", "body");
    body.append(head, bubble, make("div", "state"));
    item.append(picture, body);
    return item;
  }

  /** What was pending is now a record: where and when is the hub's word. */
  #stamp(item, { at, pos, from }) {
    item.classList.remove("pending", "failed");
    item.dataset.at = at;
    item.dataset.pos = pos ?? "";
    item.dataset.person = personOf(from);
    item.querySelector("time").textContent = clock.format(at);
    item.querySelector("time").dateTime = new Date(at).toISOString();
    item.querySelector(".bubble").title = whole.format(at);
    item.querySelector(".who").textContent = nameOf(from);
    item.querySelector(".avatar").textContent = initials(nameOf(from));
    item.querySelector(".avatar").className = `avatar ${toneOf(from)}`;
    this.#state(item, "✓", "sent");
  }

  #state(item, text, spoken) {
    const state = item.querySelector(".state");
    state.replaceChildren();
    const words = make("span", "", text);
    if (spoken) {
      words.setAttribute("aria-hidden", "true");
      state.append(make("span", "sr", spoken));
    }
    state.append(words);
    return state;
  }

  #insert(item, before) {
    const old = item.nextElementSibling;
    this.#log.insertBefore(item, before);
    group(old);
    group(item);
    group(item.nextElementSibling);
    if (this.#isPinned) this.toEnd();
  }

  #trim() {
    const most = this.#isPinned ? HELD : HELD_AT_ALL;
    if (this.#byPos.size <= most) return;
    while (this.#byPos.size > most) {
      const item = this.#log.querySelector("li.message, li.note");
      this.#byPos.delete(item.dataset.pos);
      item.remove();
    }
    const first = this.#log.querySelector("li.message[data-pos]");
    group(first);
    this.#on.trimmed(first.dataset.pos);
  }
}

function following(item) {
  const rest = [];
  for (let next = item.nextElementSibling; next; next = next.nextElementSibling) {
    if (next.matches("li.message:not(.pending)")) rest.push(next);
  }
  return rest;
}

/** Marks a message that goes on where the one before ended, and the first of a day. */
function group(item) {
  if (!item?.matches("li.message")) return;
  const before = item.previousElementSibling?.matches("li.message") ? item.previousElementSibling : null;
  const at = Number(item.dataset.at);
  let last = item.previousElementSibling;
  while (last && !last.matches("li.message")) last = last.previousElementSibling;
  const day = dayOf(at);
  if (last && dayOf(Number(last.dataset.at)) === day) delete item.dataset.day;
  else item.dataset.day = day;
  const isClose = before && before.dataset.person === item.dataset.person && at - Number(before.dataset.at) < GROUP;
  item.classList.toggle("follow", Boolean(isClose && !item.dataset.day));
}
