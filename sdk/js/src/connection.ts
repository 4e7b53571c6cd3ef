// The connection: how it is tried, opened, watched, lost, and tried again, by the best way that works.
import { pause } from "./backoff.js";
import { failure, number, text, type Wire } from "./codec.js";
import type { Connection, Host, Me } from "./host.js";
import type { Settings } from "./settings.js";
import type { End, Line, Setup } from "./transports/line.js";
import { TidewireError, type Reason, type State } from "./types.js";
import { isOffline, watch } from "./wake.js";

/** A connection that lasted so long, in ms, was a good one: what comes after it begins with a short pause. */
const LASTED = 5000;
/** How long a hub may take to answer somebody who was away. */
const SHORT = 3000;
/** The longest time between two looks at the clock. */
const TICK = 10_000;
/** The longest pause between two attempts to climb. */
const CLIMB = 300_000;
/** When WebSocket is tried again that has worked before. */
const SOON = 1000;

type Timer = ReturnType<typeof setTimeout>;

/** A connection on its way. */
interface Trial {
  level: number;
  line?: Line;
  timer: Timer;
}

export function connection(settings: Settings, setup: Setup, me: Me, host: Host): Connection {
  const { ways, patience, idle, climb } = settings;
  let state: State = "idle";
  let reason: Reason | undefined;
  let line: Line | undefined;
  let trial: Trial | undefined;
  /** Which way is in use or tried next, and which worked last. */
  let level = 0;
  let best = 0;
  /** Whether the best way has ever worked. */
  let worked = false;
  /** Ways that opened and then brought nothing: not climbed to again. */
  const mute = new Set<number>();
  /** How often this way has failed in this round, and how many rounds have. */
  let fails = 0;
  let rounds = 0;
  let openedAt = 0;
  let retry: Timer | undefined;
  let climbing: Timer | undefined;
  let climbPause = climb;
  let tick: Timer | undefined;
  let tickAt = 0;
  /** When anything came last. */
  let heardAt = 0;
  /** Until when the hub has to answer whether it is there; 0: nobody asks. Ends the question. */
  let deadline = 0;
  let answered = (): void => {};
  /** Why it does not connect: `disconnect()` was called, the page was put aside, or `close()` was called. */
  let off: "held" | "aside" | "dead" | undefined;
  /** A token that the hub refused is not shown again. */
  let refused: string | undefined;
  let unwatch: (() => void) | undefined;

  const set = (next: State, why?: Reason): void => {
    state = next;
    reason = why;
    host.emit("state", next, why);
  };

  // On its way.

  const attempt = (at: number): void => {
    clearTimeout(retry);
    const mine: Trial = {
      level: at,
      timer: setTimeout(() => failed(mine, { code: 0, message: "no answer in time", blocked: true }), patience),
    };
    trial = mine;
    if (!line) {
      // What the machine says of its network is not always so: it is tried, quietly.
      set(isOffline() ? "offline" : "connecting", reason);
    }
    void handed().then((token) => trial === mine && open(mine, token));
  };

  /** The token to show: what the program gives goes before what the hub gave. */
  const handed = async (): Promise<string | undefined> => {
    let given: string | undefined;
    try {
      given = typeof settings.token === "function" ? await settings.token() : undefined;
    } catch (error) {
      host.emit("error", new TidewireError("token", String(error)));
    }
    return [given, me.token].find((one) => one && one !== refused);
  };

  const open = (mine: Trial, token: string | undefined): void => {
    let hello: Wire = {};
    let name = me.name;
    const auth = (): void => made.send([JSON.stringify({ id: 0, op: "auth", client: token, name, binary: true })]);

    const judged = (object: Wire): void => {
      if (object["op"] !== "error") {
        opened(mine, made, text(hello["session"]), text(object["client"]));
        return;
      }
      const error = failure(object);
      if (error.temporary || (!token && !name)) {
        failed(mine, { code: 0, message: error.message, retry: error.retryAfter });
        return;
      }
      host.emit("error", error);
      // Without what was refused: as a new guest, or without a name.
      if (token && error.code === "bad_client") {
        refused = token;
        token = undefined;
      } else {
        name = me.name = undefined;
      }
      auth();
    };

    const ended = (end: End): void => {
      if (line !== made) {
        failed(mine, end);
        return;
      }
      lose();
      made.close();
      if (Date.now() - openedAt > LASTED) {
        rounds = 0;
      }
      if (end.blocked) {
        mute.add(mine.level);
      }
      again(end, end.blocked);
    };

    const made: Line = ways[mine.level]!(setup, {
      up: auth,
      down: ended,
      alive() {
        heardAt = Date.now();
      },
      heard(object) {
        if (object["op"] === "bye") {
          ended({
            code: number(object["code"]) ?? 0,
            message: text(object["reason"]) ?? "bye",
            retry: number(object["retry_after_ms"]),
            stop: object["reconnect"] === false,
          });
        } else if (line === made) {
          heardAt = Date.now();
          host.heard(object);
        } else if (trial === mine) {
          if (object["op"] === "hello") {
            hello = object;
          } else if (object["id"] === 0) {
            judged(object);
          }
        }
      },
    });
    mine.line = made;
  };

  const opened = (mine: Trial, made: Line, session: string | undefined, token: string | undefined): void => {
    clearTimeout(mine.timer);
    const old = line;
    if (old) {
      // Everything goes on over the better way, from where the worse one had come to.
      lose();
      old.close();
    }
    // A listener may have ended it; so below.
    if (trial !== mine) {
      return;
    }
    trial = undefined;
    line = made;
    level = best = mine.level;
    worked ||= !level;
    fails = 0;
    openedAt = tickAt = heardAt = Date.now();
    me.session = session;
    tick = setInterval(look, Math.min(TICK, idle));
    const before = me.token;
    me.token = token || before;
    climbPause = level ? climbPause : climb;
    climbLater(worked ? Math.min(SOON, climbPause) : climbPause);
    // Before anybody is told, and sends more.
    host.open(made);
    if (me.token !== before) {
      host.emit("token", token!);
    }
    if (line === made) {
      set("open");
    }
  };

  // Lost, and back.

  const failed = (mine: Trial, end: End): void => {
    if (trial === mine) {
      clearTimeout(mine.timer);
      trial = undefined;
      mine.line?.close();
      if (line) {
        // A better way does not work yet; perhaps the next one does.
        better(mine.level + 1);
      } else {
        // Without a token in time no way was tried.
        fails += mine.line ? (end.blocked ? 2 : 1) : 0;
        again(end, fails > 1 || mine.level !== best);
      }
    }
  };

  /** Comes back, by the next way if this one is to blame; when each has failed, after a pause. */
  const again = (end: End, next?: boolean): void => {
    const { code, message } = end;
    if (off) {
      return;
    }
    if (end.stop) {
      drop();
      finish({ code, message });
      return;
    }
    if (trial) {
      level = trial.level;
      set("connecting");
      return;
    }
    if (next && !isOffline()) {
      fails = 0;
      level = (level + 1) % ways.length;
      if (level !== best && end.retry === undefined) {
        attempt(level);
        return;
      }
    }
    const wait = pause(settings.backoff, rounds++, end.retry);
    retry = setTimeout(() => attempt(level), wait);
    set(isOffline() ? "offline" : "waiting", { code, message, retryAt: Date.now() + wait });
  };

  const lose = (): void => {
    clearInterval(tick);
    clearTimeout(climbing);
    answered();
    line = me.session = undefined;
    host.lost();
  };

  /** Ends whatever there is, without another. */
  const drop = (): void => {
    clearTimeout(retry);
    clearTimeout(trial?.timer);
    trial?.line?.close();
    line?.close();
    trial = undefined;
    lose();
  };

  /** Stays without a connection, and says so. */
  const halt = (how: typeof off, then: () => void): void => {
    if (off !== "dead") {
      off = how;
      drop();
      then();
    }
  };

  const finish = (why: Reason): void => {
    unwatch?.();
    unwatch = undefined;
    state = "closed";
    host.end(new TidewireError("closed", why.message));
    set("closed", why);
  };

  // Is the hub still there?

  const look = (): void => {
    const now = Date.now();
    // Clocks are put back, too.
    const late = Math.abs(now - tickAt) > 2 * TICK;
    tickAt = now;
    if (line && (late || now - heardAt >= idle)) {
      check(late ? SHORT : patience);
    }
  };

  const check = (within: number): void => {
    const asked = line!;
    if (Date.now() - heardAt > idle + TICK) {
      // A stream may be dead where a new request works.
      asked.follow?.();
    }
    within = Math.min(within, patience);
    if (deadline && deadline <= Date.now() + within) {
      return;
    }
    answered();
    deadline = Date.now() + within;
    const timer = setTimeout(() => {
      lose();
      asked.close();
      if (trial) {
        set("connecting");
      } else if (!off) {
        attempt(level);
      }
    }, within);
    answered = () => {
      deadline = 0;
      clearTimeout(timer);
    };
    // Any answer will do, also one to an earlier question.
    host.ask(() => answered());
  };

  const woke = (): void => {
    if (off === "aside") {
      connect();
    } else if (line) {
      check(SHORT);
    } else if (!trial && reason?.retryAt) {
      if (isOffline()) {
        set("offline", reason);
      } else {
        attempt(level);
      }
    }
  };

  /** The page is put aside: it comes back with `pageshow`. */
  const hidden = (): void => {
    if (line || trial || reason?.retryAt) {
      halt("aside", () => set("waiting", { code: 0, message: "the page is hidden" }));
    }
  };

  /** Tries the ways from `at` on that are better than this one. */
  const better = (at: number): void => {
    if (at >= level) {
      climbLater(climbPause);
    } else if (mute.has(at)) {
      better(at + 1);
    } else {
      attempt(at);
    }
  };

  const climbLater = (wait: number): void => {
    if (level) {
      clearTimeout(climbing);
      climbing = setTimeout(() => {
        climbPause = Math.min(Math.max(CLIMB, climb), climbPause * 2);
        better(0);
      }, wait);
    }
  };

  const connect = (): void => {
    if (off !== "dead") {
      off = undefined;
      unwatch ??= watch(woke, hidden);
      if (!line && !trial) {
        attempt(level);
      }
    }
  };

  return {
    state: () => state,
    reason: () => reason,
    line: () => line,
    connect,
    need() {
      if (state === "idle" && !off) {
        connect();
      }
    },
    disconnect: () => halt("held", () => set("idle")),
    close: () => halt("dead", () => finish({ code: 1000, message: "closed" })),
  };
}
