// Server-sent events, read with fetch: a response that does not end.
import { onAbort } from "../later.js";
import { decode } from "../codec.js";
import { http, type Follow } from "./http.js";
import type { Way } from "./line.js";

/** More than this in one event is no message of a hub. */
const LARGEST = 16_777_216;
/** A stream that lasted so long, in ms, was cut by something between: it is opened again at once. */
const LASTED = 5000;

export const sse: Way = (setup, ear) => http("sse", setup, ear, run);

async function run(follow: Follow): Promise<void> {
  const { setup, signal, get, down } = follow;
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
    await read(body.getReader(), follow);
    if (signal.aborted) {
      return;
    }
  }
  down({ code: 0, message: "the connection ended" });
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, follow: Follow): Promise<void> {
  const { setup, signal, ear, down } = follow;
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  let size = 0;
  let first = true;
  onAbort(signal, () => void reader.cancel().catch(() => {}));
  for (;;) {
    // The first word has to come soon: something between may keep all of it until the end, which never comes.
    const blocked = first;
    const timer = setTimeout(
      () => down({ code: 0, message: "no answer in time", blocked }),
      setup.patience + (first ? 0 : 2 * setup.idle),
    );
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done || signal.aborted) {
      return;
    }
    first = false;
    ear.alive();
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop()!;
    size += value.length;
    if (size > LARGEST) {
      return down({ code: 0, message: "too large" });
    }
    for (const line of lines.map((one) => one.replace(/\r$/, ""))) {
      if (!line) {
        const event = data.join("\n");
        data = [];
        size = rest.length;
        decode(event).forEach(ear.heard);
        if (signal.aborted) {
          return;
        }
      } else if (line.startsWith("data:")) {
        data.push(line.slice(5));
      }
    }
  }
}
