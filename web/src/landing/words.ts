// Numbers with their units, and the configuration's words as sentences.

const NUMBER = new Intl.NumberFormat("en");

export const count = (value: number): string => NUMBER.format(value);

/** One digit after the point below ten, none above. */
export const rate = (value: number): string => (value > 0 && value < 10 ? value.toFixed(1) : count(Math.round(value)));

export function bytes(value: number): string {
  for (const [size, unit] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]] as const) {
    if (value >= size) {
      return `${trim(value / size)} ${unit}`;
    }
  }
  return `${value} bytes`;
}

const trim = (value: number): string => String(Math.round(value * 10) / 10);

const UNITS = [
  [86_400_000, "day", "days", "d"],
  [3_600_000, "hour", "hours", "h"],
  [60_000, "minute", "minutes", "min"],
  [1000, "second", "seconds", "s"],
] as const;

/** The largest two units: `2 hours 5 minutes`, or briefly `2 h 5 min`. */
export function duration(ms: number, brief = false): string {
  const first = UNITS.findIndex(([size]) => ms >= size);
  let rest = ms;
  const said: string[] = [];
  for (const [size, one, many, sign] of first < 0 ? [] : UNITS.slice(first, first + 2)) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0) {
      said.push(`${whole} ${brief ? sign : whole === 1 ? one : many}`);
    }
  }
  return said.length > 0 ? said.join(" ") : brief ? "0 s" : "0 seconds";
}

const SLOW: Record<string, string> = {
  "disconnect": "closed, and comes back where it was",
  "lag": "gets what it missed later",
  "drop-oldest": "loses the oldest",
  "keep-latest": "gets the newest alone",
};

export const slow = (policy: string): string => SLOW[policy] ?? policy;

export const storage = (kind: string): string => (kind === "durable" ? "on disk" : kind === "memory" ? "in memory" : kind);

const WHO: Record<string, string> = { anyone: "anyone", members: "those it names", nobody: "nobody" };

export const who = (access: string): string => WHO[access] ?? access;
