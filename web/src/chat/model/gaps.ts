// What is read where messages were missed.
import type { Channel, Message, TidewireError } from "tidewire";

const PAGES = 5;
const PAGE = 200;
const NEWEST = 50;

/** Whether a position is not in the history any more. */
export const isGone = (error: unknown): boolean => ["gone", "bad_position"].includes((error as TidewireError).code);

/** What came after a position, as far as it is still there; else the newest page. */
export async function missing(channel: Pick<Channel, "history">, from: string | undefined): Promise<{ messages: Message[]; isWhole: boolean }> {
  if (from !== undefined) {
    try {
      const messages: Message[] = [];
      for (let page = 0, after = from; page < PAGES; page += 1) {
        const part = await channel.history({ after, limit: PAGE });
        messages.push(...part.messages);
        after = part.messages.at(-1)?.pos ?? after;
        if (!part.more) {
          return { messages, isWhole: true };
        }
      }
    } catch (error) {
      if (!isGone(error)) {
        throw error;
      }
    }
  }
  return { messages: (await channel.history({ limit: NEWEST })).messages, isWhole: false };
}
