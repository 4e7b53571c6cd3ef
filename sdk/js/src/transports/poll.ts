// Long poll: one answer a request.
import { decode, objects } from "../codec.js";
import { http } from "./http.js";
import type { Way } from "./line.js";

/** How long the hub keeps a poll that has nothing to tell, in seconds. */
const WAIT = 25;
/** The pause between an answer and the next question, in ms. */
const BREATH = 20;

export const poll: Way = (setup, ear) =>
  http("poll", setup, ear, async ({ signal, get, down }) => {
    while (!signal.aborted) {
      const answer = await get(`/poll?wait=${WAIT}s&`, WAIT * 1000 + setup.patience);
      if (!answer || signal.aborted) {
        return;
      }
      const [said] = decode(answer.body);
      if (!said) {
        return down({ code: answer.response.status, message: "no answer" });
      }
      objects(said["messages"]).forEach(ear.heard);
      // What comes meanwhile comes together.
      await new Promise((done) => setTimeout(done, BREATH));
    }
  });
