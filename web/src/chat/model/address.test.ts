// The address says which room.
import { expect, test } from "vitest";
import { roomOf, titleOf } from "./address.ts";

test.each([
  ["/chat/lobby", "chat:lobby"], ["/c/live:prices", "live:prices"], ["/base/chat/a%20b", "chat:a b"], ["/chat/%E4%BD%A0", "chat:你"],
  ["/chat/%", "chat:%"], ["/chat/dm:x", "chat:dm:x"], ["/c/lobby", "lobby"],
])("%s is %s", (path, room) => {
  expect(roomOf(path)).toBe(room);
});

test("the title counts what nobody has seen", () => {
  expect(titleOf("chat:lobby", 0)).toBe("lobby · Tidewire");
  expect(titleOf("live:x", 3)).toBe("(3) live:x · Tidewire");
});
