// The log on the page: its tools, the rows in sight, the opened row.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Row } from "../model.ts";
import { Detail } from "./detail.tsx";
import { Empty } from "./empty.tsx";
import { type Feed, useFeed } from "./feed.ts";
import { FilterBar } from "./filter-bar.tsx";
import { isOff } from "./filter.ts";
import { bytesText, count, plural } from "./format.ts";
import { List } from "./list.tsx";
import "./log.css";
import { Meter } from "./meter.tsx";
import { SearchBar } from "./search-bar.tsx";
import { indexFrom } from "./sieve.ts";
import type { Log } from "./store.ts";
import { type Transfer, TransferMenu, TransferNotice, useTransfer } from "./transfer.tsx";
import { rowHeight } from "./window.ts";

export interface LogViewProps {
  log: Log;
  onResend(row: Row): void;
  onReplay(rows: readonly Row[]): void;
  copyAs?(row: Row): { label: string; text: () => string }[];
}

const UNDO_MS = 15_000;
const SUMMARY_MS = 8000;

type Layout = "phone" | "middle" | "wide";

/** The layout by the width that the log has, not the window's. */
function useLayout() {
  const box = useRef<HTMLElement>(null);
  const [layout, setLayout] = useState<Layout>("middle");
  useLayoutEffect(() => {
    const measure = () => {
      const width = box.current?.clientWidth ?? 0;
      setLayout(width < 640 ? "phone" : width < 900 ? "middle" : "wide");
    };
    const watcher = new ResizeObserver(measure);
    if (box.current !== null) {
      watcher.observe(box.current);
    }
    measure();
    return () => watcher.disconnect();
  }, []);
  return { box, layout };
}

/** For screen readers: how many came, now and then; never each one. */
function Summary({ log, held }: { log: Log; held: boolean }) {
  const [said, setSaid] = useState("");
  const heard = useRef(log.lastId);
  useEffect(() => {
    const timer = setInterval(() => {
      const fresh = log.lastId - heard.current;
      heard.current = log.lastId;
      setSaid(fresh === 0 ? "" : `${plural(fresh, "new row")}${held ? ", waiting" : ""}`);
    }, SUMMARY_MS);
    return () => clearInterval(timer);
  }, [log, held]);
  return <p class="sr" role="status">{said}</p>;
}

function Cleared({ log }: { log: Log }) {
  const rows = log.undoable;
  useEffect(() => {
    if (rows > 0) {
      const timer = setTimeout(() => log.forget(), UNDO_MS);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [log, log.epoch, rows]);
  return (
    <div class="log-notice" role="status" hidden={rows === 0}>
      <span>{rows > 0 && `Cleared ${plural(rows, "row")}.`}</span>
      <button type="button" class="small" onClick={() => log.undo()}>Undo</button>
    </div>
  );
}

function Foot({ log, feed, filtered }: { log: Log; feed: Feed; filtered: boolean }) {
  const { counts, dropped, bounds } = log;
  const { shown, busy } = feed.sieve;
  return (
    <div class="log-foot">
      <span>{filtered ? `${count(shown.length)}${busy ? "…" : ""} of ${plural(log.length, "row")}` : plural(log.length, "row")}</span>
      <span><span aria-hidden="true">↑</span><span class="sr">sent</span> {count(counts.out)} ({bytesText(counts.bytesOut)})</span>
      <span><span aria-hidden="true">↓</span><span class="sr">received</span> {count(counts.in)} ({bytesText(counts.bytesIn)})</span>
      {dropped > 0 && <span class="bad">Dropped the oldest {plural(dropped, "row")}: the log keeps {count(bounds.rows)} rows, {bytesText(bounds.bytes)}</span>}
      <Meter log={log} />
    </div>
  );
}

interface ToolsProps extends LogViewProps {
  feed: Feed;
  transfer: Transfer;
  wrap: boolean;
  setWrap(on: boolean): void;
  bars: boolean;
  setBars(on: boolean): void;
  filtered: boolean;
  children: ComponentChildren;
}

function Tools({ log, onReplay, feed, transfer, wrap, setWrap, bars, setBars, filtered, children }: ToolsProps) {
  const { sieve } = feed;
  const pause = () => {
    sieve.hold(!sieve.held);
    feed.poke();
  };
  return (
    <div class="log-tools" role="group" aria-label="Log">
      <button type="button" class="small" aria-pressed={sieve.held} onClick={pause}>{sieve.held ? `Resume${sieve.waiting > 0 ? ` (${count(sieve.waiting)} waiting)` : ""}` : "Pause"}</button>
      <button type="button" class="small" disabled={log.length === 0} onClick={() => log.clear()}>Clear</button>
      <button type="button" class="small" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>Wrap</button>
      <button type="button" class="small" aria-expanded={bars} data-on={filtered} onClick={() => setBars(!bars)}>{filtered ? "Filter (on)" : "Filter"}</button>
      <TransferMenu transfer={transfer} log={log} shown={sieve.shown} filtered={filtered} onReplay={onReplay} />
      {children}
    </div>
  );
}

/** Files that are dragged over the log, and dropped into it. */
function useDrop(transfer: Transfer) {
  const [over, setOver] = useState(false);
  const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
  return {
    over,
    handlers: {
      onDragOver: (event: DragEvent) => {
        if (hasFile(event)) {
          event.preventDefault();
          setOver(true);
        }
      },
      onDragLeave: () => setOver(false),
      onDrop: (event: DragEvent) => {
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (file !== undefined) {
          event.preventDefault();
          transfer.read(file);
        }
      },
    },
  };
}

/** Which row keys move from, which one is open, and whether the view goes along with new rows. */
function usePlace(feed: Feed, box: { current: HTMLElement | null }) {
  const [active, setActive] = useState(0);
  const [opened, setOpened] = useState<number>();
  const [following, setFollowing] = useState(true);
  const go = (id: number) => {
    setActive(id);
    setFollowing(id === feed.sieve.shown.at(-1)?.id);
  };
  const close = () => {
    setOpened(undefined);
    box.current?.querySelector<HTMLElement>(".log-list")?.focus();
  };
  return { active, go, opened, open: setOpened, close, following, setFollowing };
}

export function LogView(props: LogViewProps) {
  const { log } = props;
  const feed = useFeed(log);
  const { sieve, finder } = feed;
  const transfer = useTransfer(log);
  const { box, layout } = useLayout();
  const place = usePlace(feed, box);
  const [wrap, setWrap] = useState(false);
  const [bars, setBars] = useState(false);
  const { over, handlers } = useDrop(transfer);
  const phone = layout === "phone";
  const filtered = !isOff(sieve.filter);
  const step = useCallback((way: 1 | -1) => {
    const row = finder.step(place.active, way);
    if (row !== undefined) {
      place.go(row.id);
    }
  }, [finder, place.active]);
  const row = place.opened === undefined ? undefined : log.find(place.opened);
  const before = row === undefined ? undefined : sieve.shown[indexFrom(sieve.shown, row.id) - 1];
  // Rows may come with each frame: what is open is not drawn again for them.
  const detail = useMemo(() => row !== undefined && (
    <Detail row={row} before={before} narrow={layout !== "middle"} find={finder.pattern} onClose={place.close} onResend={props.onResend} copyAs={props.copyAs} />
  ), [row, before, layout, finder.pattern]);
  const search = (
    <SearchBar query={finder.query} set={(query) => { finder.set(query); feed.poke(); }} hits={finder.hits.length}
      place={finder.place(place.active)} busy={finder.busy} step={step} />
  );
  return (
    <section ref={box} class="log" aria-label="Log" data-layout={layout} data-wrap={wrap} data-over={over} {...handlers}>
      <Tools {...props} feed={feed} transfer={transfer} wrap={wrap} setWrap={setWrap} bars={bars} setBars={setBars} filtered={filtered}>
        {!phone && search}
      </Tools>
      <div class="log-bars" hidden={!bars}>
        <FilterBar filter={sieve.filter} error={sieve.error} change={(part) => { sieve.set({ ...sieve.filter, ...part }); feed.poke(); }} />
        {phone && search}
      </div>
      <TransferNotice transfer={transfer} onReplay={props.onReplay} />
      <Cleared log={log} />
      <div class="log-body">
        <div class="log-pane">
          <List sieve={sieve} narrow={phone} rowHeight={rowHeight(phone, wrap)} find={finder.pattern} following={place.following} setFollowing={place.setFollowing}
            active={place.active} setActive={place.go} opened={place.opened} open={place.open} close={place.close} />
          {sieve.shown.length === 0 && <Empty log={log} sieve={sieve} filtered={filtered} />}
          {!place.following && sieve.shown.length > 0 && <button type="button" class="small log-newest" onClick={() => place.setFollowing(true)}>Jump to newest ↓</button>}
        </div>
        {detail}
      </div>
      <Foot log={log} feed={feed} filtered={filtered} />
      <Summary log={log} held={sieve.held} />
    </section>
  );
}
