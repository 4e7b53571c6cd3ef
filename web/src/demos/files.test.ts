// The demos' own files: short enough to be read, and of the kind that the pages' policy lets in.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { DEMOS } from "./list.ts";

const FOLDER = new URL("./files/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, FOLDER), "utf8");
const lines = (text: string) => text.trimEnd().split("\n").length;

test("each demo of the list is an HTML and a script, and there is nothing else", () => {
  expect(readdirSync(FOLDER).sort()).toEqual(DEMOS.flatMap(({ name }) => [`${name}.html`, `${name}.js`]).sort());
});

test.each(DEMOS.map(({ name }) => name))("%s has at most 60 lines, none of which scrolls for ever", (name) => {
  expect(lines(read(`${name}.html`)) + lines(read(`${name}.js`))).toBeLessThanOrEqual(60);
  for (const line of read(`${name}.js`).split("\n")) {
    expect(line.length, line).toBeLessThanOrEqual(150);
  }
});

test.each(DEMOS.map(({ name }) => name))("%s has no markup made of data, and no inline script or style", (name) => {
  expect(read(`${name}.js`)).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/);
  expect(read(`${name}.html`)).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});
