// A gap is filled as far as the history goes; else the newest page stands below it.
import type { HistoryOptions, HistoryPage } from "tidewire";
import { expect, test } from "vitest";
import { missing } from "./gaps.ts";

const message = (n: number) => ({ channel: "c", pos: `p-${n}`, at: n, text: `${n}` });
function channel(answer: (options: HistoryOptions) => number[] | string, more = false) {
  const asked: HistoryOptions[] = [];
  return {
    asked,
    async history(options: HistoryOptions = {}): Promise<HistoryPage> {
      asked.push(options);
      const found = answer(options);
      if (typeof found === "string") {
        throw Object.assign(new Error(found), { code: found });
      }
      return { messages: found.map(message), more };
    },
  };
}

test("all that came after is there: it is whole", async () => {
  const found = await missing(channel(() => [2, 3]), "p-1");
  expect(found).toMatchObject({ isWhole: true, messages: [{ pos: "p-2" }, { pos: "p-3" }] });
});

test("the position is gone: the newest page, and a gap", async () => {
  const asked = channel(({ after }) => (after === undefined ? [8, 9] : "gone"));
  expect(await missing(asked, "p-1")).toMatchObject({ isWhole: false, messages: [{ pos: "p-8" }, { pos: "p-9" }] });
  expect(await missing(channel(() => [1]), undefined)).toMatchObject({ isWhole: false });
});

test("far too much was missed: it is not read without end", async () => {
  const endless = channel(({ after }) => [Number(after?.slice(2) ?? 99) + 1], true);
  expect((await missing(endless, "p-1")).isWhole).toBe(false);
  expect(endless.asked).toHaveLength(6);
});

test("another failure is told: the mark stays", async () => {
  await expect(missing(channel(() => "timeout"), "p-1")).rejects.toThrow("timeout");
});
