// Links lead where they say, and nothing but the web and mail is a link.
import { expect, test } from "vitest";
import { parts } from "./links.ts";

const links = (text: string) => parts(text).flatMap((part) => ("href" in part ? [part] : []));
const only = (text: string) => links(text).map(({ text: shown }) => shown);

test("the parts are the text again", () => {
  for (const text of ["", "no link", "see https://a.example.", "https://a.example https://b.example/x?y#z end"]) {
    expect(parts(text).map((part) => part.text).join("")).toBe(text);
  }
});

test.each([
  ["see https://a.example/x.", ["https://a.example/x"]],
  ["(https://a.example/x)", ["https://a.example/x"]],
  ["https://a.example/wiki/A_(b)", ["https://a.example/wiki/A_(b)"]],
  ["https://a.example/wiki/A_(b).", ["https://a.example/wiki/A_(b)"]],
  ["(see https://a.example/wiki/A_(b))", ["https://a.example/wiki/A_(b)"]],
  ["really https://a.example?!", ["https://a.example"]],
  ["go https://a.example/。", ["https://a.example/"]],
  ["\"https://a.example\"", ["https://a.example"]],
  ["mailto:ann@a.example, please", ["mailto:ann@a.example"]],
  ["HTTPS://A.EXAMPLE/X", ["HTTPS://A.EXAMPLE/X"]],
  ["two: http://a.example http://b.example", ["http://a.example", "http://b.example"]],
])("%s", (text, expected) => {
  expect(only(text)).toEqual(expected);
});

test.each([
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd",
  "ftp://a.example", "xhttps://a.example", "https://", "http://[", "mailto:", "mailto:x", "about:blank", "//a.example",
  "view-source:https:x", "https:\u202e//a.example",
])("%s is no link", (text) => {
  expect(links(text)).toEqual([]);
});

test("a host that is not written as it is, is told", () => {
  expect(links("https://аpple.com/x")[0]).toMatchObject({ host: "xn--pple-43d.com" });
  expect(links("https://google.com@evil.example/")[0]).toMatchObject({ host: "evil.example" });
  expect(links("https://google.com:x@evil.example/")[0]).toMatchObject({ host: "evil.example" });
  expect(links("https://google.com\\@evil.example/")[0]).toMatchObject({ host: "google.com" });
  expect(links("https://0x7f.1/")[0]).toMatchObject({ host: "127.0.0.1" });
  expect(links("https://a.example:8443/x")[0]).not.toHaveProperty("host");
  expect(links("https://a.example")[0]).not.toHaveProperty("host");
});

test("what turns a text around ends a link", () => {
  expect(only("https://a.example/\u202egpj.exe")).toEqual(["https://a.example/"]);
  expect(only("https://a.example\u2066evil")).toEqual(["https://a.example"]);
  expect(only("https://a\u200b.example")).toEqual(["https://a"]);
});

test("a very long text takes no long time", () => {
  const before = performance.now();
  parts("https://a.example/".repeat(5_000));
  parts(`https://a.example/${"(".repeat(20_000)}${").".repeat(20_000)}`);
  expect(performance.now() - before).toBeLessThan(500);
});
