// The reason is told that a person can act on.
import { expect, test } from "vitest";
import { stops, troubleOf } from "./trouble.ts";

const at = (page: string, server: string, more = {}) =>
  troubleOf({ page: new URL(page), server: new URL(server), isStopped: false, answers: async () => true, ...more });

test("another site that is not let in is told the line to add", async () => {
  expect(await at("https://site.example/x", "https://hub.example")).toEqual({ kind: "origin", about: "https://site.example", line: "origins = [\"https://site.example\"]" });
});

test("a hub that is not there is no question of origins; nor is the hub's own page", async () => {
  expect(await at("https://site.example", "https://hub.example", { answers: async () => false })).toBeUndefined();
  expect(await at("https://hub.example/chat/a", "https://hub.example")).toBeUndefined();
});

test("the page's own policy is told before anything else is asked", async () => {
  expect(await at("https://site.example", "https://hub.example", { isStopped: true })).toEqual({ kind: "policy", about: "https://hub.example", line: "connect-src https://hub.example wss://hub.example" });
});

test("https pages cannot use http, except on this machine", async () => {
  expect(await at("https://site.example", "http://hub.example")).toMatchObject({ kind: "mixed" });
  expect(await at("https://site.example", "http://localhost:4000")).toMatchObject({ kind: "origin" });
});

test("a report of the browser is matched by host", () => {
  const report = (blockedURI: string, effectiveDirective = "connect-src", disposition: SecurityPolicyViolationEventDisposition = "enforce") =>
    stops({ blockedURI, effectiveDirective, disposition }, new URL("https://hub.example/base/"));
  expect(report("wss://hub.example/base/ws")).toBe(true);
  expect(report("https://hub.example")).toBe(true);
  expect(report("https://hub.example.evil/")).toBe(false);
  expect(report("https://hub.example/x", "img-src")).toBe(false);
  expect(report("https://hub.example/x", "connect-src", "report")).toBe(false);
});
