// JSON without loss, as a tree, and what is asked about it.
import { describe, expect, test } from "vitest";
import { PathError, compareNumbers, compilePath } from "./json-path.ts";
import { JsonError, lineOf, readJson, readTree, isTooDeep } from "./json.ts";
import { firstOpen, pathOf, treeLines } from "./tree-lines.ts";

describe("readJson", () => {
  test("keeps the digits of numbers, the order and doubled names of objects", () => {
    const tree = readJson('{"n": 12345678901234567890.10, "a":1, "a": 2e400}');
    expect(tree).toEqual({ kind: "object", members: [
      { name: "n", value: { kind: "number", source: "12345678901234567890.10" } },
      { name: "a", value: { kind: "number", source: "1" } },
      { name: "a", value: { kind: "number", source: "2e400" } },
    ] });
  });

  test.each(['""', '"a\\n\\u00e4\\"\\\\"', "0", "-0", "1.5e-7", "true", "false", "null", "[]", "{}", ' [1 , [ ] , {"a" : {} }]\n', '{"__proto__":1}', '"\u2028 ok"'])("takes %s like JSON.parse", (text) => {
    expect(plainly(readJson(text))).toEqual(JSON.parse(text));
  });

  test.each(["", " ", "[1,]", "{", '{"a"}', '{"a":1,}', "[1 2]", "01", "+1", "1.", ".5", "nul", "truely", '"a', '"\n"', '"\\x"', "'a'", "[1]]", "NaN", "\u00a01", '{a:1}', "-"])("refuses %j like JSON.parse", (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(() => readJson(text)).toThrow(JsonError);
  });

  test("a text nested without end is refused, not run into", () => {
    expect(() => readJson("[".repeat(1_000_000))).toThrow(/nested more than/);
    expect(readTree('{"a":'.repeat(100_000))).toBeUndefined();
  });

  test("a tree is for objects and arrays", () => {
    expect(readTree("12")).toBeUndefined();
    expect(readTree("\n [1]")).toBeDefined();
  });

  test("lines are counted from 1", () => {
    expect([lineOf("a\nb\nc", 0), lineOf("a\nb\nc", 2), lineOf("a\nb\nc", 4)]).toEqual([1, 2, 3]);
  });
});

function plainly(value: ReturnType<typeof readJson>): unknown {
  switch (value.kind) {
    case "object": return Object.fromEntries(value.members.map((member) => [member.name, plainly(member.value)]));
    case "array": return value.items.map(plainly);
    case "string": return value.value;
    case "number": return Number(value.source);
    default: return { true: true, false: false, null: null }[value.kind];
  }
}

const ORDER = '{"type":"trade","px":10.5,"id":9007199254740993,"ok":true,"none":null,"a":{"b":[1,{"c":"Deep"},3]},"odd name":"x","items":[{"id":7},{"id":8}]}';

describe("JSON path", () => {
  test.each([
    "$", "$.a.b[0]", "a.b[0]", "a.b[-1] == 3", "$['odd name'] == \"x\"", '$["odd name"]', 'type == "trade" && px > 10', "type == 'x' || ok == true",
    "id == 9007199254740993", "none == null", "px == 10.50", "items[*].id == 8", "..c == 'Deep'", "$..c ~ 'EE'", "a.* ", "!(missing)", "!missing && !(a.b[9])",
    "px >= 10.5", "px <= 10.5", "px != 10", "type != 'x'", "type > 'sale'", "(ok == false || px < 11) && ok", "a..c", "..id == 7", "px ~ 10", "ok != 'true'", "[ 'a' ].b", "a.b[1].c",
  ])("%s holds", (path) => {
    expect(compilePath(path)(readJson(ORDER))).toBe(true);
  });

  test.each([
    "$.b", "a.b[3]", "a.b[-4]", "id == 9007199254740992", "id != 9007199254740993", "px > 10.5", "type == 'y' || missing", "missing != 1", "ok == 'true'", "items.id == 7", "..zzz", "!ok || !px", "type.length",
  ])("%s does not", (path) => {
    expect(compilePath(path)(readJson(ORDER))).toBe(false);
  });

  test("a path alone asks for being there, also of null", () => {
    expect(compilePath("none")(readJson(ORDER))).toBe(true);
  });

  test.each(["a.", "a[", "a[x]", "a ==", "== 3", "a == b", "a && ", "(a", "a)", "a b", "a = 3", "..", "$.", "a[1.5]", "#", '"a"', "!".repeat(100) + "a", "(".repeat(100)])("%s is told to be wrong", (path) => {
    expect(() => compilePath(path)).toThrow(PathError);
  });

  test("answers fast for a hostile message and path", () => {
    const deep = readJson('{"a":'.repeat(400) + "1" + "}".repeat(400));
    const started = performance.now();
    compilePath("..a..a..a..a == 2")(deep);
    expect([isTooDeep("[".repeat(10_000) + "]".repeat(10_000)), isTooDeep("[[1]]"), isTooDeep("[[1"), isTooDeep("hello")]).toEqual([true, false, false, false]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test("numbers of any length compare exactly", () => {
    expect(compareNumbers("123456789012345678901234567890", "123456789012345678901234567891")).toBe(-1);
    expect(compareNumbers("1e2", "100")).toBe(0);
    expect(compareNumbers("-5", "3")).toBeLessThan(0);
  });
});

describe("tree lines", () => {
  const tree = readJson('{"a":{"b":[1,2]},"x y":3,"a":4}');

  test("small trees are open, and every line has a key of its own", () => {
    const lines = treeLines(tree, firstOpen(tree), new Map());
    expect(lines.map((line) => [line.level, line.name])).toEqual([[1, undefined], [2, "a"], [3, "b"], [4, 0], [4, 1], [2, "x y"], [2, "a"]]);
    expect(new Set(lines.map((line) => line.key)).size).toBe(lines.length);
    expect(lines.map((line) => pathOf(tree, line.key))).toEqual(["$", "$.a", "$.a.b", "$.a.b[0]", "$.a.b[1]", '$["x y"]', "$.a"]);
  });

  test("a closed node hides what is below", () => {
    expect(treeLines(tree, new Set(["0"]), new Map())).toHaveLength(4);
    expect(treeLines(tree, new Set(), new Map())).toHaveLength(1);
  });

  test("many children come in portions", () => {
    const many = readJson(`[${Array.from({ length: 250 }, (_, index) => index).join()}]`);
    const lines = treeLines(many, new Set(["0"]), new Map());
    expect(lines).toHaveLength(102);
    expect(lines.at(-1)?.more).toBe(100);
    expect(treeLines(many, new Set(["0"]), new Map([["0", 200]])).at(-1)?.more).toBe(50);
    expect(treeLines(many, new Set(["0"]), new Map([["0", 300]])).at(-1)?.more).toBeUndefined();
  });
});
