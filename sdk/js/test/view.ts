// What one client has seen of one channel, and whether that is the log.

/** Everything that is known to have been in the channels: by channel and term, where and what. */
export type Known = Map<string, Map<number, string>>;

/** A position is a term and an offset. Programs must not know that; who judges the hub may. */
export function parts(pos: string): [term: string, offset: number] {
  const at = pos.lastIndexOf("-");
  return [pos.slice(0, at), Number(pos.slice(at + 1))];
}

/** A stretch of a channel that the client believes to be whole. */
interface Stretch {
  begin: string;
  records: [pos: string, mark: string][];
  end: string;
}

/** Notes that a record is in a channel; fails if something else is there. */
export function learn(known: Known, channel: string, pos: string, mark: string): void {
  const [term, offset] = parts(pos);
  const name = `${channel} ${term}`;
  const log = known.get(name) ?? new Map<number, string>();
  known.set(name, log);
  const there = log.get(offset) ?? mark;
  if (there !== mark) {
    throw new Error(`${channel} has ${there} and ${mark} at ${pos}`);
  }
  log.set(offset, mark);
}

export class View {
  readonly channel: string;
  /** Whether nothing of the channel is ever lost or trimmed. */
  readonly whole: boolean;
  readonly stretches: Stretch[] = [];

  constructor(channel: string, whole: boolean) {
    this.channel = channel;
    this.whole = whole;
  }

  get at(): string | undefined {
    return this.stretches.at(-1)?.end;
  }

  message(pos: string, mark: string): void {
    const stretch = this.#last(mark);
    this.#after(stretch, pos, mark, false);
    stretch.records.push([pos, mark]);
    stretch.end = pos;
  }

  live(pos: string): void {
    if (this.stretches.length === 0) {
      this.stretches.push({ begin: pos, records: [], end: pos });
    }
    const stretch = this.#last("live");
    this.#after(stretch, pos, "live", true);
    // Whatever is up to here must have come.
    stretch.end = pos;
  }

  gap(from: string | undefined, pos: string | undefined): void {
    if (this.whole) {
      throw new Error(`${this.channel}: what came after ${from} is in the log`);
    }
    if (from !== this.at) {
      throw new Error(`${this.channel}: a gap after ${from}, and it was at ${this.at}`);
    }
    if (pos === undefined) {
      throw new Error(`${this.channel}: a gap, and nothing says up to where`);
    }
    this.stretches.push({ begin: pos, records: [], end: pos });
  }

  tell(known: Known): void {
    this.stretches.forEach(({ records }) => records.forEach(([pos, mark]) => learn(known, this.channel, pos, mark)));
  }

  /** Whether each stretch is what the log has between its ends: no gap, nothing twice, in order. */
  check(known: Known): number {
    let count = 0;
    for (const { begin, records, end } of this.stretches) {
      const [[term, from], [, to]] = [parts(begin), parts(end)];
      const log = [...(known.get(`${this.channel} ${term}`) ?? [])].sort(([a], [b]) => a - b);
      const expected = log.filter(([offset]) => offset > from && offset <= to).map(([, mark]) => mark);
      const seen = records.map(([, mark]) => mark);
      const same = expected.findIndex((mark, at) => mark !== seen[at]);
      if (same >= 0 || seen.length !== expected.length) {
        const at = same >= 0 ? same : expected.length;
        throw new Error(
          `${this.channel} from ${begin} to ${end}: after ${at} records the log goes on ${expected.slice(at, at + 3).join()}, the view ${seen.slice(at, at + 3).join()}`,
        );
      }
      count += seen.length;
    }
    return count;
  }

  #last(what: string): Stretch {
    const stretch = this.stretches.at(-1);
    if (!stretch) {
      throw new Error(`${this.channel}: ${what} comes before a beginning`);
    }
    return stretch;
  }

  #after(stretch: Stretch, pos: string, what: string, same: boolean): void {
    const [[term, from], [itsTerm, to]] = [parts(stretch.end), parts(pos)];
    if (term !== itsTerm || to < from || (to === from && !same)) {
      throw new Error(`${this.channel}: ${what} at ${pos} comes after ${stretch.end}`);
    }
  }
}
