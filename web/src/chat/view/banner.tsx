// What a person must know of the connection, and can do about it.
import { useEffect, useState } from "preact/hooks";
import type { Room } from "../model/room.ts";
import type { Language } from "../texts/index.ts";

/** The whole seconds until then, counted down. */
function useSeconds(until: number | undefined): number {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = until === undefined ? undefined : setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, [until]);
  return until === undefined ? 0 : Math.max(0, Math.ceil((until - Date.now()) / 1000));
}

export function Banner({ room, language: { t } }: { room: Room; language: Language }) {
  const seconds = useSeconds(room.state === "waiting" ? room.reason?.retryAt : undefined);
  const { trouble, state, closed, transport } = room;
  const isBack = state === "open";
  // Long after a failure somebody may still look: it says what is so now.
  if (closed !== undefined || state === "closed") {
    return <Bar kind="bad" text={t.closedBecause(closed ?? room.reason?.message ?? "")} label={closed === undefined ? undefined : t.retryNow} onRetry={() => room.retryNow()} />;
  }
  if (trouble !== undefined && !isBack) {
    const text = { origin: t.blockedOrigin, policy: t.blockedPolicy, mixed: t.blockedMixed }[trouble.kind](trouble.about);
    return <Bar kind="bad" text={text} line={trouble.line} label={t.retryNow} onRetry={() => room.retryNow()} />;
  }
  if (state === "offline") {
    return <Bar kind="warn" text={t.offlineLong} />;
  }
  if (state === "waiting" || (state === "connecting" && room.hasFailed)) {
    const text = room.isEntered ? t.lost : t.noAnswer;
    return <Bar kind="warn" text={text} count={seconds > 0 ? t.againIn(seconds) : t.againNow} label={t.retryNow} onRetry={() => room.retryNow()} />;
  }
  if (isBack && transport !== undefined && transport !== "websocket") {
    return <Bar kind="calm" text={transport === "sse" ? t.bySse : t.byPoll} />;
  }
  return <div class="no banner" role="status" />;
}

interface BarProps {
  kind: "bad" | "warn" | "calm";
  text: string;
  /** Counted down for the eyes; it is not spoken each second. */
  count?: string;
  line?: string | undefined;
  label?: string | undefined;
  onRetry?: () => void;
}

const Bar = ({ kind, text, count, line, label, onRetry }: BarProps) => (
  <div class={`${kind} banner`} part="banner" role="status">
    <span dir="auto">{text}</span>
    {count !== undefined && <span aria-live="off" class="count">{count}</span>}
    {line !== undefined && <code dir="ltr">{line}</code>}
    {label !== undefined && <button type="button" class="small" onClick={onRetry}>{label}</button>}
  </div>
);
