// Every language has every text, and none says nothing.
import { expect, test } from "vitest";
import { ar } from "./ar.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import { languageOf } from "./index.ts";

test.each(Object.entries({ de, fr, es, ar }))("%s has the keys of English, translated", (_, texts) => {
  expect(Object.keys(texts).sort()).toEqual(Object.keys(en).sort());
  for (const [key, text] of Object.entries(texts)) {
    const said = typeof text === "function" ? (text as (...values: unknown[]) => string)(3, "b", "c") : text;
    expect(said, key).not.toBe("");
    expect(said, key).not.toContain("undefined");
  }
  expect(texts.unsure).not.toBe(en.unsure);
});

test("a function says what it was given", () => {
  for (const texts of [en, de, fr, es, ar]) {
    expect(texts.blockedOrigin("https://a.example")).toContain("https://a.example");
    expect(texts.imageFrom("Zoë", 7, 9)).toMatch(/Zoë.*7×9/);
    expect(texts.newMessages(12)).toContain("12");
  }
});

test("a language is found by its tag; what is unknown is English", () => {
  expect(languageOf("de-CH")).toMatchObject({ tag: "de-CH", dir: "ltr", t: de });
  expect(languageOf("AR").dir).toBe("rtl");
  expect(languageOf("fr_CA")).toMatchObject({ tag: "fr-CA", t: fr });
  expect(languageOf("de-!!").tag).toBe("de");
  for (const tag of ["", null, undefined, "xx", "toString", "__proto__"]) {
    expect(languageOf(tag).t).toBe(en);
  }
});

test("times are written as where the visitor is, if the tag names no country", () => {
  const evening = new Date(2026, 0, 1, 18, 5);
  expect(languageOf("en", ["de-DE", "en-GB"]).clock.format(evening)).toBe("18:05");
  expect(languageOf("en", ["de-DE"]).clock.format(evening)).toMatch(/^6:05.PM$/);
  expect(languageOf("en-US", ["en-GB"]).clock.format(evening)).toMatch(/^6:05.PM$/);
  expect(languageOf("en", ["en-GB"])).toBe(languageOf("en", ["en-GB"]));
  expect(languageOf("de", ["en-GB", "de-AT"])).toMatchObject({ tag: "de", t: de });
});
