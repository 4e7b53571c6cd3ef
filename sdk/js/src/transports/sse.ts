// Server-sent events, read with fetch: a response that does not end.
import { onAbort } from "../later.js";
import { decode, type Wire } from "../codec.js";
import { http } from "./http.js";
import type { Way } from "./line.js";

/** More than this in one event is no message of a hub. */
const LARGEST = 16_000_000;
/** A stream that lasted so long, in ms, was cut by something between: it is opened again at once. */
const LASTED = 5000;

export const sse: Way = (setup, ear) =>
  http("sse", setup, ear, async ({ signal, get, down }) => {
    for (let began = 0; !began || Date.now() - began >= LASTED; ) {
      began = Date.now();
      const answer = await get("/sse?", setup.patience);
      if (!answer) {
        return;
      }
      const { body } = answer.response;
      if (!body) {
        return down({ code: 0, message: "no answer", blocked: true });
      }
      const reader = body.getReader();
      const off = onAbort(signal, () => void reader.cancel().catch(() => {}));
      const split = lines(ear.heard);
      // The first word has to come soon: something between may keep all of it until the end, which never comes.
      for (let blocked = true; ; blocked = false) {
        const late = { code: 0, message: "no answer in time", blocked };
        const timer = setTimeout(() => down(late), setup.patience + (blocked ? 0 : 2 * setup.idle));
        const { done, value } = await reader.read().finally(() => clearTimeout(timer));
        if (signal.aborted) {
          return;
        }
        if (done) {
          break;
        }
        ear.alive();
        if (split(value)) {
          return down({ code: 0, message: "too large" });
        }
      }
      off();
    }
    down({ code: 0, message: "the connection ended" });
  });

/** Takes the bytes of events, and gives on what they hold; tells whether one is too large. */
function lines(heard: (object: Wire) => void): (bytes: Uint8Array) => boolean {
  const decoder = new TextDecoder();
  let rest = "";
  let data = "";
  let size = 0;
  return (bytes) => {
    const all = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    rest = all.pop()!;
    size += bytes.length;
    for (const line of all) {
      if (!line) {
        decode(data).forEach(heard);
        data = "";
        size = rest.length;
      } else if (line.startsWith("data:")) {
        data += line.slice(5) + "\n";
      }
    }
    return size > LARGEST;
  };
}
