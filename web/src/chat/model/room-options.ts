// What a room is opened with, and whom it tells.
import type { Message } from "tidewire";
import type { Language } from "../texts/index.ts";
import type { Room } from "./room.ts";

export interface RoomOptions {
  server: URL;
  room: string;
  token?: string;
  name?: string;
  history: number;
  language: Language;
  /** Whether it is asked who is here; a room may let read who may not know that. */
  people: boolean;
  on: {
    changed(): void;
    /** The room may be read, but not who is in it: begin again without `people`. */
    withoutPeople(room: Room): void;
    message(message: Message): void;
    state(room: Room): void;
    error(code: string, message: string): void;
  };
}
