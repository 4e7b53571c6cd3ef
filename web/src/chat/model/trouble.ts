// Why a chat cannot be reached at all, found out as far as a browser tells; and what to set.

export type Trouble = { kind: "origin" | "policy" | "mixed"; about: string; line?: string };

export interface Place {
  /** Where the page is. */
  page: URL;
  /** Where the hub is. */
  server: URL;
  /** Whether the page's policy has stopped a connection to it. */
  isStopped: boolean;
  /** Whether something answers there when asked for what anybody may have. */
  answers: () => Promise<boolean>;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$|\.localhost$/;

export async function troubleOf({ page, server, isStopped, answers }: Place): Promise<Trouble | undefined> {
  if (page.protocol === "https:" && server.protocol === "http:" && !LOOPBACK.test(server.hostname)) {
    return { kind: "mixed", about: server.origin };
  }
  if (isStopped) {
    return { kind: "policy", about: server.origin, line: `connect-src ${server.origin} ${server.origin.replace(/^http/, "ws")}` };
  }
  if (server.origin !== page.origin && (await answers())) {
    return { kind: "origin", about: page.origin, line: `origins = ["${page.origin}"]` };
  }
  return undefined;
}

/**
 * Asks for what a hub gives to every page, also to those that it lets in nowhere. Something else that answers in its
 * place does not give it.
 */
export async function answersAt(server: URL): Promise<boolean> {
  try {
    const base = server.pathname.replace(/\/+(ws\/*)?$/, "");
    const { ok, headers } = await fetch(new URL(`${base}/chat.js`, server), { credentials: "omit", cache: "no-store" });
    return ok && headers.get("content-type")?.includes("javascript") === true;
  } catch {
    return false;
  }
}

/** Whether a report of the browser is about a connection to that hub. */
export function stops(event: Pick<SecurityPolicyViolationEvent, "effectiveDirective" | "blockedURI" | "disposition">, server: URL): boolean {
  const blocked = event.blockedURI.replace(/^ws/, "http");
  return event.disposition === "enforce" && event.effectiveDirective === "connect-src" && (blocked === server.origin || blocked.startsWith(`${server.origin}/`));
}
