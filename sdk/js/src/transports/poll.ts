// Long poll: one answer a request.
import { decode, isObject } from "../codec.js";
import { HttpLine, type Group } from "./http.js";

/** How long the hub keeps a poll that has nothing to tell, in seconds. */
const WAIT = 25;

export class PollLine extends HttpLine {
  readonly name = "poll";

  protected async run(group: Group, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answer = await this.get(`/poll?wait=${WAIT}s&`, group, signal, WAIT * 1000 + this.setup.patience);
      if (!answer) {
        return;
      }
      const messages = decode(answer.body)[0]?.["messages"];
      if (signal.aborted) {
        return;
      }
      if (!Array.isArray(messages)) {
        return this.down({ code: answer.response.status, message: "this is no answer to a poll" });
      }
      this.heard((messages as unknown[]).filter(isObject));
    }
  }
}
