// The package's door.
export { Tidewire } from "./client.js";
export { Channel } from "./channel.js";
export { Presence } from "./presence.js";
export * from "./types.js";
