// What the tester's other parts use of the log.
export { Log } from "./store.ts";
export { LogView, type LogViewProps } from "./log-view.tsx";
export { CLOSE_CODES, closeMeaning, type CloseMeaning } from "./close-codes.ts";
