// The lines to paste: addresses, quoting, and the certificate of --tls-dev.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { addresses, groups, word } from "./lines.ts";

const line = (id: string, origin = "http://127.0.0.1:4000", trust = false): string =>
  groups(origin, trust).flatMap(({ lines }) => lines).find((one) => one.id === id)!.text;

/** What a shell makes of the words. */
const shell = (words: string): string[] => execFileSync("sh", ["-c", `printf '%s\\n' ${words}`], { encoding: "utf8" }).split("\n").slice(0, -1);

test.each([
  "ws://127.0.0.1:4000/chat/lobby?history=10",
  "http://[::1]:4000/sse?channel=lobby&history=10",
  "it's $HOME `id` \"quoted\" \\ !",
  '{"op":"publish","text":"it\'s"}',
])("a word stays one word: %s", (text) => {
  expect(shell(word(text))).toEqual([text]);
});

test("addresses follow the page's", () => {
  expect(addresses("http://127.0.0.1:4000")).toEqual({ http: "http://127.0.0.1:4000", ws: "ws://127.0.0.1:4000", tls: false });
  expect(addresses("https://chat.example")).toEqual({ http: "https://chat.example", ws: "wss://chat.example", tls: true });
});

test("each line has the page's own address, and nothing of another", () => {
  for (const { lines } of groups("https://[2001:db8::1]:8443")) {
    for (const { id, text } of lines.filter((one) => one.id !== "origins")) {
      expect(text, id).toContain("://[2001:db8::1]:8443/");
      expect(text, id).not.toMatch(/127\.0\.0\.1|localhost|\bws:\/\/|http:\/\//);
    }
  }
});

test("terminal clients", () => {
  expect(line("wscat")).toBe('npx wscat -c "ws://127.0.0.1:4000/chat/lobby?history=10"');
  expect(line("websocat")).toBe('websocat "ws://127.0.0.1:4000/chat/lobby?history=10"');
  expect(line("tidewire")).toBe('tidewire "ws://127.0.0.1:4000/chat/lobby?history=10"');
});

test("curl", () => {
  expect(line("listen")).toBe('curl -N "http://127.0.0.1:4000/sse?channel=lobby&history=10"');
  expect(line("publish")).toBe(`curl "http://127.0.0.1:4000/uplink" -d '{"op":"publish","channel":"lobby","text":"hello from curl"}'`);
});

test("with --tls-dev, programs are told of its authority, and browsers are not", () => {
  const secure = (id: string) => line(id, "https://localhost:4000", true);
  expect(secure("wscat")).toBe('npx wscat --ca ~/.local/share/tidewire/tls-dev/ca.pem -c "wss://localhost:4000/chat/lobby?history=10"');
  expect(secure("tidewire")).toMatch(/^SSL_CERT_FILE=~\/\S+ca\.pem tidewire "wss:/);
  expect(secure("listen")).toMatch(/^curl --cacert ~\/\S+ca\.pem -N "https:/);
  expect(secure("poll").match(/--cacert/g)).toHaveLength(2);
  expect(secure("node")).toMatch(/^NODE_EXTRA_CA_CERTS=~\/\S+ca\.pem node -e '/);
  expect(secure("console")).not.toContain("ca.pem");
  expect(line("listen", "http://localhost:4000", true)).not.toContain("cacert");
});
