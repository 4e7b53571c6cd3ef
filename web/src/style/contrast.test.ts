// Every pair of colours that the pages use is readable (WCAG 2.2 AA) in both schemes.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Scheme, contrast, tokens } from "./contrast.ts";

const found = tokens(readFileSync(new URL("./tokens.css", import.meta.url), "utf8"));
const colour = (name: string, scheme: Scheme) => {
  const pair = found.get(name);
  if (pair === undefined) {
    throw new Error(`no --${name} in tokens.css`);
  }
  return pair[scheme];
};

const SURFACES = ["page", "card", "tint"];
const TEXTS = ["ink", "soft", "accent", "good", "out", "bad"];
const OTHER_TEXTS = [["on-accent", "accent"], ["warn-ink", "warn"], ["own-ink", "own"], ["soft", "own"], ["accent", "own"]] as const;

test("the measure is that of WCAG", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  expect(contrast("#ffffff", "#777777")).toBeCloseTo(4.48, 2);
});

for (const scheme of ["light", "dark"] as const) {
  test.each([...SURFACES.flatMap((surface) => TEXTS.map((text) => [text, surface] as const)), ...OTHER_TEXTS])(
    `${scheme}: text in --%s on --%s has 4.5:1`,
    (text, surface) => expect(contrast(colour(text, scheme), colour(surface, scheme))).toBeGreaterThanOrEqual(4.5),
  );
  test.each(SURFACES)(`${scheme}: the edge of a field on --%s has 3:1`, (surface) => {
    expect(contrast(colour("field", scheme), colour(surface, scheme))).toBeGreaterThanOrEqual(3);
  });
}
