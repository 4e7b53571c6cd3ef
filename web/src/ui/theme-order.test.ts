// The theme switch: every press is seen, and three of them come back.
import { expect, test } from "vitest";
import { type Theme, afterPress, asTheme, nameOf } from "./theme-order.ts";

test.each([[true, ["light", "dark", "auto"]], [false, ["dark", "light", "auto"]]])("with a dark system: %s", (dark, order) => {
  const seen: Theme[] = [];
  for (let theme: Theme = "auto"; seen.length < 3; seen.push(theme)) {
    theme = afterPress(theme, dark);
  }
  expect(seen).toEqual(order);
});

test("its name says what is and what a press does", () => {
  expect(nameOf("auto", "dark")).toBe("Colours: as the system. Press for dark");
});

test("what is kept may be anything", () => {
  expect([asTheme("dark"), asTheme("light"), asTheme("auto"), asTheme("<b>"), asTheme(null)]).toEqual(["dark", "light", "auto", "auto", "auto"]);
});
