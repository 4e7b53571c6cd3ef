// Runs a regular expression over texts, in a thread of its own: one that never ends can be ended there.
import type { Question } from "./matcher.ts";

const port = globalThis as unknown as {
  onmessage: (event: MessageEvent<Question>) => void;
  postMessage(answer: "ready" | boolean[]): void;
};

port.onmessage = ({ data: { source, flags, texts } }) => {
  const pattern = new RegExp(source, flags);
  port.postMessage(texts.map((text) => pattern.test(text)));
};
port.postMessage("ready");
