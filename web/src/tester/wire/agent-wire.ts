// What the agent says, read strictly: a message of another shape is told as such, never trusted.
import type { Certificate } from "../model.ts";

export interface Frame {
  way: "in" | "out";
  opcode: number;
  name: string;
  fin: boolean;
  rsv1: boolean;
  masked: boolean;
  mask?: string;
  length: number;
  wire: number;
  head: string;
}

export type AgentEvent =
  | { ev: "request" | "response"; head: string }
  | { ev: "connected"; address: string; proxy?: string }
  | { ev: "tls"; version: string; cipher: string; alpn?: string; verified: boolean; chain: Certificate[] }
  | { ev: "refused"; status: number; head: string; body: string; truncated: boolean }
  | { ev: "open"; protocol: string; extensions: string }
  | { ev: "text"; text: string }
  | ({ ev: "frame" } & Frame)
  | { ev: "skipped"; frames: number }
  /** Without a time it was not asked for. */
  | { ev: "pong"; rtt_ms?: number }
  | { ev: "ping" }
  | { ev: "close"; code: number; reason: string; by: "server" | "client" | "nobody"; clean: boolean }
  | { ev: "error"; stage: string; message: string; hint: string };

type Fields = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
/** A field that is there only with words in it. */
const some = <N extends string>(name: N, value: unknown): { [K in N]?: string } =>
  typeof value === "string" && value !== "" ? ({ [name]: value } as { [K in N]?: string }) : {};
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

/** Undefined: not of the contract. */
export function readAgent(message: string): AgentEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  return isFields(value) ? read(value) : undefined;
}

function read(it: Fields): AgentEvent | undefined {
  switch (it["ev"]) {
    case "request":
    case "response":
      return typeof it["head"] === "string" ? { ev: it["ev"], head: it["head"] } : undefined;
    case "connected":
      return { ev: "connected", address: text(it["address"]), ...some("proxy", it["proxy"]) };
    case "tls":
      return readTls(it);
    case "refused":
      return typeof it["status"] === "number"
        ? { ev: "refused", status: it["status"], head: text(it["head"]), body: text(it["body"]), truncated: it["truncated"] === true } : undefined;
    case "open":
      return { ev: "open", protocol: text(it["protocol"]), extensions: text(it["extensions"]) };
    case "text":
      return typeof it["text"] === "string" ? { ev: "text", text: it["text"] } : undefined;
    case "frame":
      return readFrame(it);
    case "skipped":
      return { ev: "skipped", frames: number(it["frames"]) };
    case "pong":
      return { ev: "pong", ...(typeof it["rtt_ms"] === "number" ? { rtt_ms: it["rtt_ms"] } : {}) };
    case "ping":
      return { ev: "ping" };
    case "close":
      return { ev: "close", code: number(it["code"]) || 1006, reason: text(it["reason"]), by: by(it["by"]), clean: it["clean"] === true };
    case "error":
      return { ev: "error", stage: text(it["stage"]), message: text(it["message"]), hint: text(it["hint"]) };
    default:
      return undefined;
  }
}

const by = (value: unknown): "server" | "client" | "nobody" => (value === "server" || value === "client" ? value : "nobody");

function readTls(it: Fields): AgentEvent {
  const chain = Array.isArray(it["chain"]) ? it["chain"].filter(isFields).slice(0, 20).map((one): Certificate => ({
    subject: text(one["subject"]),
    issuer: text(one["issuer"]),
    names: Array.isArray(one["names"]) ? one["names"].filter((name) => typeof name === "string") : [],
    from: text(one["from"]),
    until: text(one["until"]),
    sha256: text(one["sha256"]),
  })) : [];
  return { ev: "tls", version: text(it["version"]), cipher: text(it["cipher"]), ...some("alpn", it["alpn"]), verified: it["verified"] !== false, chain };
}

function readFrame(it: Fields): AgentEvent | undefined {
  if (it["way"] !== "in" && it["way"] !== "out") {
    return undefined;
  }
  return {
    ev: "frame", way: it["way"], opcode: number(it["opcode"]), name: text(it["name"]), fin: it["fin"] === true, rsv1: it["rsv1"] === true,
    masked: it["masked"] === true, ...(typeof it["mask"] === "string" ? { mask: it["mask"] } : {}), length: number(it["length"]), wire: number(it["wire"]), head: text(it["head"]),
  };
}

/** A frame in a few words: "text, final, masked, 5 bytes". */
export function frameWords(frame: Frame): string {
  const known = frame.name === "" ? `opcode ${frame.opcode}` : frame.name;
  const parts = [known, frame.fin ? "final" : "more to come", ...(frame.rsv1 ? ["compressed"] : []), frame.masked ? "masked" : "not masked",
    `${frame.length} + ${Math.max(0, frame.wire - frame.length)} bytes`];
  return parts.join(", ");
}
