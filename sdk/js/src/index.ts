// The package's door.
export * from "./types.js";
