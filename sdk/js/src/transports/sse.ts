// Server-sent events, read with fetch: a response that does not end.
import { decode } from "../codec.js";
import { HttpLine, type Group } from "./http.js";

/** More than this in one event is no message of a hub. */
const LARGEST = 16_777_216;
/** A stream that lasted so long, in ms, was cut by something between: it is opened again at once. */
const LASTED = 5000;

export class SseLine extends HttpLine {
  readonly name = "sse";

  protected async run(group: Group, signal: AbortSignal): Promise<void> {
    for (let began = 0; ; ) {
      if (signal.aborted) {
        return;
      }
      if (began > 0 && Date.now() - began < LASTED) {
        return this.down({ code: 0, message: "the stream ended" });
      }
      began = Date.now();
      const answer = await this.get("/sse?", group, signal, this.setup.patience);
      if (!answer) {
        return;
      }
      const { body } = answer.response;
      if (!body) {
        return this.down({ code: 0, message: "this fetch has no streams", blocked: true });
      }
      await this.#read(body.getReader(), signal);
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    let data: string[] = [];
    let limit = this.setup.patience;
    for (;;) {
      // The first word has to come soon: something between may keep all of it until the end, which never comes.
      const silent = this.setup.patience === limit;
      const timer = setTimeout(() => this.down({ code: 0, message: "the stream is silent", blocked: silent }), limit);
      const stop = (): void => void reader.cancel().catch(() => {});
      signal.addEventListener("abort", stop);
      const { done, value } = await reader.read().finally(() => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      });
      if (done || signal.aborted) {
        return;
      }
      limit = 2 * this.setup.idle + this.setup.patience;
      this.heardAt = Date.now();
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r/);
      rest = lines.pop()!;
      if (rest.length > LARGEST || data.length > LARGEST) {
        return this.down({ code: 0, message: "an event without end" });
      }
      for (const line of lines) {
        if (line === "" && data.length > 0) {
          const event = data.join("\n");
          data = [];
          this.heard(decode(event));
          if (signal.aborted) {
            return;
          }
        } else if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
        }
      }
    }
  }
}
