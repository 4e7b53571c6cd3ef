// Which room an address names.

/** `/chat/NAME` is always one of `chat`, `/c/NAME` any channel. */
export function roomOf(path: string): string {
  const [kind, last = ""] = path.split("/").slice(-2);
  const name = decoded(last);
  return kind === "c" ? name : `chat:${name}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const titleOf = (room: string, unseen: number): string => `${unseen > 0 ? `(${unseen}) ` : ""}${room.replace(/^chat:/, "")} · Tidewire`;
