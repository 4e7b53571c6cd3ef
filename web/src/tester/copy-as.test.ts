// Commands of other tools: a real shell and a real engine read them back.
import { execFileSync } from "node:child_process";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { copies, lazily, quote, script } from "./copy-as.ts";

const HOSTILE = [
  "plain", "", "it's", "'; rm -rf / #", "$(id) `id` ${HOME} $HOME", "a\\b\\'c", "line\nline\r\n", "\"double\"", "!history !!", "*?[a]~",
  "-x --help", "\u{1f600} é", "</script><script>alert(1)</script>", "\u2028\u2029", "%s %n \\0", "a\tb", "=x", "&& echo",
];
const target = { url: "ws://a.example/x?y='$(id)'&z=1", protocols: ["a", "b"] };

/** The words that sh makes of a line, its first word left out. */
const words = (line: string): string[] =>
  execFileSync("sh", ["-c", `f() { for word in "$@"; do printf '%s\\0' "$word"; done; }; f ${line}`], { encoding: "utf8", env: { HOME: "/nowhere" } }).split("\0").slice(0, -1);

const command = (label: string, ...asked: Parameters<typeof copies>) => copies(...asked).find((one) => one.label === label)!;

test.each(HOSTILE)("a shell reads %j as it is", (text) => {
  expect(words(quote(text))).toEqual([text]);
});

test.each(HOSTILE)("JavaScript reads %j as it is", (text) => {
  expect(runInNewContext(script(text))).toBe(text);
  expect(script(text)).not.toMatch(/[<>\u2028\u2029]/);
});

describe("commands", () => {
  const full = { ...target, headers: [["X-A", "it's"], ["X-A", "$(id)"], ["X-Empty", ""]] as [string, string][], origin: "https://o.example", insecure: true };

  test.each(HOSTILE.filter((text) => text !== ""))("tidewire and wscat take %j whole", (text) => {
    expect(words(command("tidewire", target, text, "k").text)).toEqual(["tidewire", "connect", target.url, "-s", "a", "-s", "b", `--execute=${text}`]);
    expect(words(command("wscat", target, text, "k").text)).toEqual(["wscat", "-c", target.url, "-s", "a", "-s", "b", "-x", text]);
  });

  test("a message that begins with @ is no file's name", () => {
    expect(words(command("tidewire", target, "@me hi", "k").text)).toContain("--execute=@@me hi");
  });

  test.each(HOSTILE.filter((text) => text !== ""))("what websocat is piped is %j", (text) => {
    const line = command("websocat", target, text, "k").text;
    const piped = execFileSync("sh", ["-c", line.replace(/\| websocat [\s\S]*$/, "")], { encoding: "utf8" });
    expect(piped).toBe(text + (/[\r\n]/.test(text) ? "\0" : "\n"));
  });

  test("headers, Origin and the certificate are where each tool has them", () => {
    expect(words(command("tidewire", full, undefined, "k").text)).toEqual(expect.arrayContaining(["-H", "X-A: it's", "X-A: $(id)", "-o", "https://o.example", "-n"]));
    expect(words(command("wscat", full, undefined, "k").text)).toContain("-n");
    expect(command("wscat", full, undefined, "k").notes.join()).toContain("same name");
    expect(words(command("websocat", full, undefined, "k").text)).toEqual(expect.arrayContaining(["-H=X-A: it's", "--protocol=a, b", "--origin=https://o.example", "-k"]));
    const curl = words(command("curl", full, undefined, "the-key").text);
    expect(curl).toEqual(expect.arrayContaining(["X-A: it's", "X-Empty;", "Origin: https://o.example", "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Key: the-key", "-k"]));
    expect(curl.at(-1)).toBe(target.url.replace("ws:", "http:"));
    expect(command("JavaScript", full, undefined, "k").notes.join()).toContain("headers");
  });

  test("no header smuggles another", () => {
    const bad = { ...target, headers: [["X-A", "1\r\nX-B: 2"], ["@file", "x"], ["a b", "c"]] as [string, string][] };
    for (const { text } of copies(bad, undefined, "k")) {
      expect(text).not.toMatch(/X-B|@file|a b:/);
    }
  });

  test("bytes go where they can, else a note says so", () => {
    const bytes = Uint8Array.of(0, 255, 10);
    expect(command("tidewire", target, bytes, "k").notes.join()).toContain("text only");
    const line = command("websocat", target, bytes, "k").text;
    expect([...execFileSync("sh", ["-c", line.replace(/\| websocat [\s\S]*$/, "")])]).toEqual([0, 255, 10]);
    expect(command("JavaScript", target, bytes, "k").text).toContain('atob("AP8K")');
  });

  test("a byte 0 in a text is told", () => {
    expect(command("wscat", target, "a\0b", "k")).toMatchObject({ notes: expect.arrayContaining([expect.stringContaining("byte 0")]) as string[] });
  });

  test("a message that is too long for a word is told; of an event there is none", () => {
    for (const [label, told] of [["tidewire", true], ["wscat", true], ["websocat", false]] as const) {
      expect(command(label, target, "é".repeat(65_536), "k").notes.some((note) => note.includes("128 KiB"))).toBe(told);
    }
    expect(lazily(target, undefined, "k").map(({ label, text }) => [label, text()])).toEqual(copies(target, undefined, "k").map(({ label, text }) => [label, text]));
  });

  test.each(HOSTILE)("the JavaScript sends %j", (text) => {
    const sent: unknown[] = [];
    const sockets: { onopen?: () => void; url: string; protocols: unknown }[] = [];
    class WebSocket {
      constructor(readonly url: string, readonly protocols: unknown) { sockets.push(this); }
      send(data: unknown) { sent.push(data); }
    }
    runInNewContext(command("JavaScript", target, text, "k").text, { WebSocket, console });
    sockets[0]?.onopen?.();
    expect(sockets[0]?.url).toBe(target.url);
    expect(sent).toEqual(text === "" ? [] : [text]);
  });
});
