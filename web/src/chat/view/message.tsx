// One message: who, when, what, and how far it is.
import { Component } from "preact";
import { contentText } from "../model/spoken.ts";
import { initials, isVerified, nameOf, toneOf } from "../model/people.ts";
import type { MessageRow } from "../model/rows.ts";
import type { Said } from "../model/timeline.ts";
import type { Content } from "../model/content.ts";
import type { Language, Texts } from "../texts/index.ts";
import { File, Picture } from "./picture.tsx";
import { Words } from "./words.tsx";

interface Props {
  row: MessageRow;
  name: string;
  language: Language;
  isLive: boolean;
  onRetry: (key: string) => void;
  onDelete: (key: string) => void;
}

/** Drawn again only when something of it has changed: there may be hundreds. */
export class MessageView extends Component<Props> {
  override shouldComponentUpdate({ row, name, language, isLive }: Props): boolean {
    const was = this.props;
    const isSameRow = row.item === was.row.item && row.follows === was.row.follows && row.isOwn === was.row.isOwn && row.tells === was.row.tells;
    return !isSameRow || name !== was.name || language !== was.language || (row.item.kind === "pending" && isLive !== was.isLive);
  }

  override render({ row, name, language, isLive, onRetry, onDelete }: Props) {
    const { item, follows, isOwn } = row;
    const { t, clock, moment } = language;
    const time = clock.format(item.at);
    const progress = item.kind === "pending" ? item.progress.state : "";
    const who = item.kind === "pending" ? name : nameOf(item.from, t);
    return (
      <div class={`message ${isOwn ? "own" : ""} ${follows ? "follows" : ""} ${progress}`} part={isOwn ? "message own" : "message"} role="article"
        aria-label={`${isOwn ? t.you : who}, ${time}`} data-id={row.id}>
        {!isOwn && item.kind === "message" && (follows ? <span class="space" /> : <Avatar person={item.person} name={who} />)}
        <div class="body">
          {!follows && <Head item={item.kind === "message" && !isOwn ? item : undefined} who={who} at={item.at} time={time} t={t} />}
          <div class={`bubble is-${item.content.kind}`} part="bubble" title={moment.format(item.at)}>
            <Inside content={item.content} who={who} language={language} />
          </div>
          <Progress row={row} t={t} isLive={isLive} onRetry={onRetry} onDelete={onDelete} what={contentText(item.content, who, t)} />
        </div>
      </div>
    );
  }
}

export function Avatar({ person, name }: { person: string; name: string }) {
  return <span class={`avatar tone-${toneOf(person)}`} part="avatar" aria-hidden="true">{initials(name)}</span>;
}

/** A name is anyone's choice: words say so, not a colour alone. */
export function Mark({ isSure, t }: { isSure: boolean; t: Texts }) {
  return <span class={isSure ? "mark sure" : "mark"} part="mark" title={isSure ? undefined : t.unverifiedLong}>{isSure ? `✓ ${t.verified}` : t.unverified}</span>;
}

function Head({ item, who, at, time, t }: { item: Said | undefined; who: string; at: number; time: string; t: Texts }) {
  return (
    <div class="head">
      {item !== undefined && <b class="who" part="name" dir="auto" title={who}>{who}</b>}
      {item !== undefined && (item.from.name !== undefined || item.from.user !== undefined) && <Mark isSure={isVerified(item.from)} t={t} />}
      <time part="time" dateTime={new Date(at).toISOString()}>{time}</time>
    </div>
  );
}

function Inside({ content, who, language }: { content: Content; who: string; language: Language }) {
  const { t } = language;
  switch (content.kind) {
    case "text":
      return (
        <>
          {content.claim !== undefined && <div class="claim"><bdi>{t.claims(content.claim)}</bdi> <Mark isSure={false} t={t} /></div>}
          <Words text={content.text} t={t} />
        </>
      );
    case "image":
      return <Picture blob={content.blob} info={content.info} name={who} language={language} />;
    case "bytes":
      return <File blob={content.blob} language={language} />;
    case "json":
      return <code class="json" dir="ltr">{content.json}</code>;
    case "removed":
      return <em class="faint">{t.removed}</em>;
    case "empty":
      return <em class="faint">{t.emptyMessage}</em>;
  }
}

function Progress({ row, t, isLive, onRetry, onDelete, what }: { row: MessageRow; t: Texts; isLive: boolean; what: string } & Pick<Props, "onRetry" | "onDelete">) {
  const { item } = row;
  if (item.kind === "message") {
    return row.tells && item.isSent === true ? <Kept t={t} /> : null;
  }
  const { key, progress } = item;
  if (!row.tells) {
    return null;
  }
  switch (progress.state) {
    case "kept":
      return <Kept t={t} />;
    case "sending":
      return <div class="state">{isLive ? t.sending : t.queued}</div>;
    case "waiting":
      return <div class="state">{t.waitsFor(progress.why)}</div>;
    case "failed":
      return (
        <div class="state bad" role="alert">
          <span dir="auto">{t.failed(progress.why)}</span>{" "}
          <button type="button" class="link" aria-label={`${t.retry}: ${what}`} onClick={() => onRetry(key)}>{t.retry}</button>{" "}
          <button type="button" class="link" aria-label={`${t.remove}: ${what}`} onClick={() => onDelete(key)}>{t.remove}</button>
        </div>
      );
  }
}

const Kept = ({ t }: { t: Texts }) => <div class="state"><span aria-hidden="true">✓</span><span class="sr">{t.kept}</span></div>;
