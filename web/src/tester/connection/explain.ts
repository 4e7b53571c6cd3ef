// Why a connection may have failed: browsers keep the reason from pages, so these are likely causes, not findings.
import { type Page, isLoopback, isPrivate } from "../url.ts";

export interface Failure {
  url: string;
  protocols: readonly string[];
  page: Page;
  /** From the beginning to the end. */
  tookMs: number;
  online: boolean;
  agent: boolean;
  /** What the browser or the agent did say. */
  why?: string | undefined;
}

export interface Explanation {
  sentence: string;
  causes: string[];
}

export const MIXED_WHY =
  "This page came over https, and browsers let such a page open plain ws:// connections to this machine only: anyone on the way could read and change them.";
export const MIXED_WAY = "Use wss:// if the server has it, or run “tidewire serve” on your machine and test from http://localhost:4000/tester.";

/** What to say when a connection ended before it opened. */
export function explain({ url, protocols, page, tookMs, online, agent, why }: Failure): Explanation {
  if (agent) {
    return { sentence: why ?? "The connection failed, and the agent does not say why.", causes: [] };
  }
  const parsed = new URL(url);
  const causes: string[] = [];
  if (!online) {
    causes.push("This device says that it is offline.");
  }
  if (page.protocol === "https:" && parsed.protocol === "ws:" && !isLoopback(parsed.host)) {
    causes.push(`${MIXED_WHY} ${MIXED_WAY}`);
  }
  causes.push(...ofTheWay(parsed, tookMs, page));
  causes.push(`The server answered, but not with a WebSocket: a wrong path (${parsed.pathname}), a login that is missing, or an Origin that it does not admit (${originOf(page)}).`);
  if (protocols.length > 0) {
    causes.push(`The server chose none of the subprotocols that were offered (${protocols.join(", ")}): Chromium then gives up. Try without them.`);
  }
  return {
    sentence: "The connection failed before it opened. Browsers hide the reason from every page, on purpose: else any page could explore your network. Likely causes:",
    causes,
  };
}

function ofTheWay(parsed: URL, tookMs: number, page: Page): string[] {
  const causes: string[] = [];
  if (tookMs < 300 && isLoopback(parsed.host)) {
    causes.push(`It failed after ${Math.round(tookMs)} ms: most often nothing listens on ${parsed.host}. Is the server running, and on this port?`);
  } else if (tookMs > 5_000) {
    causes.push(`It took ${Math.round(tookMs / 1000)} s: most often a firewall drops what is sent to ${parsed.host}, or the host is down.`);
  } else {
    causes.push(`The name ${parsed.hostname} is not known, or nothing listens there on port ${parsed.port || (parsed.protocol === "wss:" ? "443" : "80")}.`);
  }
  if (parsed.protocol === "wss:") {
    const near = isPrivate(parsed.host) ? " Servers at home and at work often have one of their own." : "";
    causes.push(`The browser does not trust the server's certificate, or the server speaks no TLS.${near} Open https://${parsed.host}/ in a tab: there the browser says what is wrong.`);
  }
  if (isPrivate(parsed.host) && page.host !== "" && !isPrivate(page.host)) {
    causes.push("This page is from the internet, the server is in your own network: browsers ask before they allow that, or refuse it.");
  }
  return causes;
}

export const originOf = (page: Page): string => (page.protocol === "file:" || page.host === "" ? "null" : `${page.protocol}//${page.host}`);
