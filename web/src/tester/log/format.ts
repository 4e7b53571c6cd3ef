// How times, spans and sizes are written.
import type { Kind, Way } from "../model.ts";

const two = (value: number) => String(value).padStart(2, "0");

/** Local time of day with milliseconds: `09:05:02.120`. */
export function clock(at: number): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) {
    return "no time";
  }
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** Date and time, local and in UTC. */
export function fullTime(at: number): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) {
    return "no time";
  }
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock(at)} (UTC ${time.toISOString().slice(11, 23)})`;
}

/** The span since the row before: `+0.4 ms`, `+120 ms`, `+3.21 s`, `+4 min 05 s`. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) {
    return "";
  }
  const sign = ms < 0 ? "−" : "+";
  const size = Math.abs(ms);
  if (size < 1000) {
    return `${sign}${size > 0 && size < 10 ? size.toFixed(1) : Math.round(size)} ms`;
  }
  if (size < 60_000) {
    return `${sign}${(size / 1000).toFixed(2)} s`;
  }
  const minutes = Math.floor(size / 60_000);
  if (minutes < 60) {
    return `${sign}${minutes} min ${two(Math.floor((size % 60_000) / 1000))} s`;
  }
  return minutes < 1440 ? `${sign}${Math.floor(minutes / 60)} h ${two(minutes % 60)} min` : `${sign}${Math.floor(minutes / 1440)} d`;
}

const UNITS = ["B", "KiB", "MiB", "GiB"];

export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export const count = (value: number): string => value.toLocaleString("en");

/** `1 row`, `2,000 rows`. */
export const plural = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? "" : "s"}`;

/** A rate: whole numbers, or one digit when small. */
export const rate = (value: number): string => (value > 0 && value < 10 ? value.toFixed(1) : count(Math.round(value)));

export const ARROWS: Record<Way, string> = { out: "↑", in: "↓", event: "•" };
export const WAYS: Record<Way, string> = { out: "sent", in: "received", event: "event" };
export const KINDS: readonly Kind[] = ["text", "binary", "ping", "pong", "frame", "connecting", "open", "close", "error", "note"];
