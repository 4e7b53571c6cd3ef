// Clients and publishers over every way, through cuts, stalls and a hub that is killed: at the end each has seen what
// the log has, or was told where it began anew.
import { afterAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Tidewire, type Message, type Options } from "../src/index.js";
import { Hub, Middle, notRun } from "./hub.js";
import { type Known, learn, parts, View } from "./view.js";

const CHANNELS = ["chat:a", "chat:b", "slow:c", "live:d", "short:e"];
const WAYS: Options["transports"][] = [["websocket"], ["sse"], ["poll"], undefined];
const CLIENTS = 12;
const PUBLISHERS = 5;
const KILLS = 3;
const TRAFFIC = 5000;

/** Whether nothing of the channel is ever lost or trimmed. */
const isWhole = (channel: string): boolean => /^(chat|slow):/.test(channel);

/** Outboxes and pages are small, so that readers fall behind and recoveries have many pages. */
const CONFIG = [
  '[limits]\noutbox = "128 KiB"\npage_records = 16\nrecent_bytes = "4 KiB"',
  ...Object.entries({
    chat: 'storage = "durable"\nhistory_size = 1000000\nkey_age = "1d"',
    slow: 'storage = "durable"\nslow_consumer = "lag"\nhistory_size = 1000000\nkey_age = "1d"',
    live: 'storage = "memory"\nhistory_size = 100000',
    short: 'storage = "durable"\nhistory_size = 20\nkey_age = "1d"',
  }).map(
    ([name, more]) =>
      `[namespaces.${name}]\n${more}\nhistory_age = "1d"\nsubscribe = "anyone"\npublish = "anyone"\npresence = "anyone"\nmax_message = "60 KiB"\nrate = 1000000\nburst = 1000000`,
  ),
].join("\n\n");

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Chance that a seed repeats. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 0x9e3779b9;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  range(from: number, to: number): number {
    return Math.floor(from + this.next() * (to - from));
  }

  pick<T>(of: readonly T[]): T {
    return of[this.range(0, of.length)]!;
  }
}

/** A payload: a mark, a blank, and bytes that follow from the mark. */
const payload = (mark: string, length: number): string => `${mark} ${mark.repeat(Math.ceil(length / mark.length)).slice(0, length)}`;

/** The mark of a message that has arrived as it was sent. */
function markOf({ text, data, bytes }: Message): string {
  const said = text ?? (bytes ? new TextDecoder().decode(bytes) : (data as { text: string }).text);
  const mark = said.split(" ", 1)[0]!;
  if (payload(mark, said.length - mark.length - 1) !== said) {
    throw new Error(`the payload of ${mark} arrived changed`);
  }
  return mark;
}

/** One run, and everything that it is judged by. */
class Run {
  readonly chance: Chance;
  readonly hub: Hub;
  readonly middle: Middle;
  readonly wrong: string[] = [];
  readonly known: Known = new Map();
  readonly views: { tide: Tidewire; view: View }[] = [];
  readonly clients: Tidewire[] = [];
  readonly used = new Map<string, number>();
  breaks = 0;
  gaps = 0;
  slow = 0;
  published = 0;
  enough = false;

  constructor(seed: number, hub: Hub, middle: Middle) {
    this.chance = new Chance(seed);
    this.hub = hub;
    this.middle = middle;
  }

  client(number: number): Tidewire {
    const transports = WAYS[number % WAYS.length];
    const tide = new Tidewire(this.middle.url, {
      WebSocket: WebSocket as unknown as NonNullable<Options["WebSocket"]>,
      backoff: { min: 20, max: 300 },
      climb: 200,
      patience: 3000,
      name: `client ${number}`,
      ...(transports && { transports }),
    });
    tide.on("state", (state, why) => {
      if (state === "open") {
        const way = tide.transport ?? "?";
        this.used.set(way, (this.used.get(way) ?? 0) + 1);
      }
      this.breaks += state === "waiting" ? 1 : 0;
      this.slow += why?.code === 4002 ? 1 : 0;
    });
    tide.on("error", (error) => this.wrong.push(`client ${number}: ${error.code} ${error.message}`));
    this.clients.push(tide);
    return tide;
  }

  follow(number: number): void {
    const tide = this.client(number);
    for (const channel of CHANNELS.filter(() => this.chance.next() < 0.7)) {
      const view = new View(channel, isWhole(channel));
      const room = tide.channel(channel);
      const holding = (then: () => void): void => {
        try {
          then();
        } catch (error) {
          this.wrong.push(`client ${number} over ${tide.transport}: ${String(error)}`);
        }
      };
      room.on("message", (message) => holding(() => view.message(message.pos!, markOf(message))));
      room.on("live", (pos) => holding(() => view.live(pos)));
      room.on("gap", ({ from, pos }) => {
        this.gaps++;
        holding(() => view.gap(from, pos));
      });
      this.views.push({ tide, view });
    }
  }

  /** Leaves and comes back, unsubscribes and subscribes, asks for presence: at any moment. */
  async fidget(): Promise<void> {
    while (!this.enough) {
      await sleep(this.chance.range(5, 60));
      const { tide, view } = this.chance.pick(this.views);
      const room = tide.channel(view.channel);
      switch (this.chance.range(0, 4)) {
        case 0:
          tide.disconnect();
          setTimeout(() => tide.connect(), this.chance.range(0, 100));
          break;
        case 1:
          room.unsubscribe();
          setTimeout(() => room.subscribe(), this.chance.range(0, 50));
          break;
        case 2:
          room.presence.on("join", () => {});
          break;
        default:
          this.middle.stall(this.chance.range(100, 900), () => this.chance.next() < 0.3);
      }
    }
  }

  /** Cuts connections, blocks WebSocket for a while. */
  async disturb(): Promise<void> {
    // Some are cut in the middle of their recovery.
    this.middle.lives = () => (!this.enough && this.chance.next() < 0.3 ? this.chance.range(5, 50) : undefined);
    while (!this.enough) {
      await sleep(this.chance.range(50, 400));
      this.middle.cut(() => this.chance.next() < 0.4);
      this.middle.blocksUpgrades = this.chance.next() < 0.3;
    }
    this.middle.blocksUpgrades = false;
  }

  async publish(by: number): Promise<void> {
    const tide = this.client(by);
    const acks: Promise<void>[] = [];
    let burst = 0;
    let channel = CHANNELS[0]!;
    for (let n = 0; !this.enough; n++) {
      if (burst === 0) {
        burst = this.chance.next() < 0.02 ? 40 : 0;
        channel = this.chance.pick(CHANNELS);
      } else {
        burst--;
      }
      const mark = `p${by}-${n}`;
      const said = payload(mark, burst > 0 ? 55_000 : this.chance.range(0, 1500));
      const what = [{ text: said }, said, new TextEncoder().encode(said)][n % 3]!;
      const to = channel;
      acks.push(
        tide.publish(to, what, { key: mark }).then(
          ({ pos }) => {
            try {
              learn(this.known, to, pos!, mark);
            } catch (error) {
              this.wrong.push(String(error));
            }
          },
          (error: unknown) => void this.wrong.push(`${mark} to ${to}: ${String(error)}`),
        ),
      );
      // The last of them is answered soon after there is no more traffic.
      await acks.at(-60);
      if (burst === 0) {
        await sleep(this.chance.range(1, 8));
      }
    }
    await Promise.all(acks);
    this.published += acks.length;
  }

  async kill(): Promise<void> {
    for (let left = KILLS; left > 0; left--) {
      await sleep((TRAFFIC / (KILLS + 1)) * (0.5 + this.chance.next()));
      await this.hub.kill();
      await sleep(this.chance.range(10, 150));
      await this.hub.run();
    }
  }
}

/** All of a channel, read by pages. */
async function history(tide: Tidewire, channel: string): Promise<Message[]> {
  const all: Message[] = [];
  for (let more = true; more; ) {
    const before = all[0]?.pos;
    const page = await tide.channel(channel).history({ limit: 200, ...(before !== undefined && { before }) });
    all.unshift(...page.messages);
    more = page.more && page.messages.length > 0;
  }
  return all;
}

/** Holds the logs to what was acknowledged, and every view to the logs. */
async function judge(run: Run, reader: Tidewire): Promise<number> {
  run.views.forEach(({ view }) => view.tell(run.known));
  for (const channel of CHANNELS.filter(isWhole)) {
    const log = await history(reader, channel);
    const terms = [...run.known.keys()].filter((name) => name.startsWith(`${channel} `));
    expect(terms.length, `${channel} has one term`).toBe(1);
    // Whatever was acknowledged or delivered is there, where it was, and nothing besides.
    const kept = new Map(log.map((message) => [parts(message.pos!)[1], markOf(message)]));
    expect(new Map([...run.known.get(terms[0]!)!].sort(([a], [b]) => a - b))).toEqual(kept);
    expect(new Set(kept.values()).size, "each once").toBe(kept.size);
    const last = new Map<string, number>();
    for (const mark of kept.values()) {
      const [by, n] = mark.split("-") as [string, string];
      expect(Number(n), `${mark} in ${channel} comes in order`).toBeGreaterThan(last.get(by) ?? -1);
      last.set(by, Number(n));
    }
  }
  return run.views.reduce((count, { view }) => count + view.check(run.known), 0);
}

async function once(seed: number): Promise<Run> {
  const began = Date.now();
  const hub = await Hub.start(CONFIG);
  const middle = await Middle.before(hub);
  const run = new Run(seed, hub, middle);
  const reader = new Tidewire(hub.url, { WebSocket: WebSocket as unknown as NonNullable<Options["WebSocket"]> });
  try {
    for (let number = 0; number < CLIENTS; number++) {
      run.follow(number);
    }
    const publishers = [...Array(PUBLISHERS).keys()].map((number) => run.publish(number));
    const disturbing = [run.fidget(), run.disturb(), run.kill()];
    await Promise.all([sleep(TRAFFIC), disturbing[2]]);
    run.enough = true;
    await Promise.all([...publishers, ...disturbing]);
    await sleep(150);
    run.clients.forEach((tide) => tide.connect());
    const ends = new Map<string, string | undefined>();
    for (const channel of CHANNELS) {
      ends.set(channel, (await reader.channel(channel).history({ limit: 1 })).pos);
    }
    const behind = (): typeof run.views => run.views.filter(({ tide, view }) => tide.channel(view.channel).subscribe().pos !== ends.get(view.channel));
    for (const end = Date.now() + 30_000; behind().length > 0 && Date.now() < end; ) {
      await sleep(20);
    }
    // That nothing comes twice shows a little later.
    await sleep(200);
    expect(run.wrong).toEqual([]);
    expect(behind().map(({ tide, view }) => `${tide.transport} ${tide.state} ${view.channel} at ${view.at}`)).toEqual([]);
    const count = await judge(run, reader);
    console.log(
      `seed ${seed}: ${run.published} published, ${count} delivered, opened ${JSON.stringify([...run.used])}, ${run.breaks} breaks, ${run.slow} cut as slow, ${run.gaps} gaps, ${(Date.now() - began) / 1000} s`,
    );
    return run;
  } finally {
    run.enough = true;
    await Promise.all([...run.clients, reader].map((tide) => tide.close()));
    await middle.stop();
    await hub.stop();
  }
}

describe.skipIf(notRun("every view of the client is the log"))("every view is the log, or was told where it began anew", () => {
  const seeds = process.env["SEED"] ? [Number(process.env["SEED"])] : [1, 2, 3];
  let slow = 0;
  let gaps = 0;

  test.each(seeds)("seed %d (SEED=… runs it alone)", { timeout: 120_000 }, async (seed) => {
    const run = await once(seed);
    slow += run.slow;
    gaps += run.gaps;
    expect([...run.used.keys()].sort()).toEqual(["poll", "sse", "websocket"]);
  });

  afterAll(() => {
    expect(slow, "a reader was slow enough to be cut").toBeGreaterThan(0);
    expect(gaps, "a view had to begin anew").toBeGreaterThan(0);
  });
});
