// The whole component: bar, banner, messages, people, and where one writes.
import { useMemo, useRef, useState } from "preact/hooks";
import type { Room } from "../model/room.ts";
import { contentText } from "../model/spoken.ts";
import { nameOf } from "../model/people.ts";
import { rowsOf } from "../model/rows.ts";
import type { Language, Texts } from "../texts/index.ts";
import { Banner } from "./banner.tsx";
import { Composer, Icon } from "./composer.tsx";
import { useImages } from "./images.ts";
import { Log } from "./log.tsx";
import { Naming } from "./naming.tsx";
import { People } from "./people.tsx";

export interface ChatProps {
  room: Room;
  title: string;
  language: Language;
  imageLimit: number;
  /** Whether people choose their name here. */
  asksName: boolean;
  onName: (name: string) => Promise<string>;
  /** Gives whether it may go. */
  onSend: (text: string) => boolean;
}

export function Chat({ room, title, language, imageLimit, asksName, onName, onSend }: ChatProps) {
  const { t } = language;
  const [isShown, setShown] = useState(false);
  const [isRenaming, setRenaming] = useState(false);
  const [wasNaming, setWasNaming] = useState(false);
  const [isDropping, setDropping] = useState(false);
  const [toNewest, setToNewest] = useState(0);
  const [said, setSaid] = useState("");
  const pictures = useImages(imageLimit, language, setSaid);
  const button = useRef<HTMLButtonElement>(null);
  const draft = useRef("");
  const { entries, pending } = room.timeline;
  const { name } = room;
  const { now: me, all: mine } = room.self;
  const rows = useMemo(() => rowsOf(entries, pending, mine, room.unread), [entries, pending, mine, room.unread]);
  const mustName = asksName && name === "";

  const send = (text: string): boolean => {
    if (text.trim() !== "" && !onSend(text)) {
      return false;
    }
    for (const { bytes } of pictures.take()) {
      room.sendImage(bytes);
    }
    setToNewest((n) => n + 1);
    return true;
  };
  const named = async (wanted: string): Promise<string> => {
    const problem = await onName(wanted);
    if (problem === "") {
      setRenaming(false);
      setWasNaming(true);
    }
    return problem;
  };
  const cancelNaming = () => {
    setRenaming(false);
    setWasNaming(true);
  };
  const closePeople = () => {
    setShown(false);
    button.current?.focus();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Escape" && isShown) {
      closePeople();
    }
  };
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setDropping(false);
    void pictures.add([...(event.dataTransfer?.files ?? [])]);
  };
  const dragged = (event: DragEvent) => {
    if (event.dataTransfer?.types.includes("Files") === true && !mustName) {
      event.preventDefault();
      setDropping(true);
    }
  };
  const canWrite = room.state !== "closed" && room.closed === undefined;
  return (
    <div class="room" part="room" dir={language.dir} lang={language.tag} onKeyDown={pressed} onDragOver={dragged} onDragLeave={(event) => event.target === event.currentTarget && setDropping(false)} onDrop={dropped}>
      <div class="bar" part="header">
        <h2 part="title" dir="auto">{title}</h2>
        <slot name="header" />
        <State room={room} t={t} />
        <button ref={button} type="button" class="small who-button" aria-expanded={isShown} aria-controls="people" onClick={() => setShown(!isShown)}>
          <Icon name="people" /><span>{room.crowd.people.length > 0 ? t.here(room.crowd.people.length) : t.people}</span>
        </button>
      </div>
      <Banner room={room} language={language} />
      <div class={isShown ? "middle shows" : "middle"}>
        <div class="main-part" onPointerDown={() => isShown && setShown(false)}>
          <Log rows={rows} language={language} name={name} hasOlder={room.hasOlder} isLoading={room.isLoading} isEntered={room.isEntered} isLive={room.isLive} unseen={room.unseen}
            toNewest={toNewest} empty={<slot name="empty">{t.empty}</slot>} onOlder={() => void room.older()} onLook={(isAtEnd, isSeen) => room.look(isAtEnd, isSeen)}
            onRetry={(key) => room.again(key)} onDelete={(key) => room.drop(key)} />
          <p class="typing" part="typing" role="status">{typingText(room.typing.names, t, language.tag)}</p>
          {canWrite && (mustName || isRenaming
            ? <Naming name={name} t={t} takesFocus={isRenaming} onName={named} onCancel={isRenaming ? cancelNaming : undefined} />
            : <Composer language={language} draft={draft} takesFocus={wasNaming} images={pictures.images} problem={pictures.problem} onFiles={(files) => void pictures.add(files)} onTakeOut={pictures.takeOut}
              onSend={send} onTyping={(is) => room.typing.typed(is)} />)}
          <slot name="footer" />
          {isDropping && <div class="drop">{t.dropHere}</div>}
        </div>
        <People id="people" title={title} people={room.crowd.people} tellsPeople={room.tellsPeople} me={me} name={name} canRename={asksName && name !== "" && canWrite} language={language}
          onRename={() => {
            setShown(false);
            setRenaming(true);
          }} onClose={closePeople} />
      </div>
      <div class="sr" aria-live="polite">
        {room.spoken.said.map(({ id, content, from }) => <p key={id}>{t.said(nameOf(from, t), contentText(content, nameOf(from, t), t))}</p>)}
        {room.spoken.more > 0 && <p>{t.newMessages(room.spoken.more)}</p>}
        {said !== "" && <p>{said}</p>}
      </div>
    </div>
  );
}

function State({ room, t }: { room: Room; t: Texts }) {
  const [kind, text] = stateOf(room, t);
  return <span class="pill" part="state" role="status" data-state={kind}><span>{text}</span></span>;
}

function stateOf(room: Room, t: Texts): ["open" | "wait" | "closed", string] {
  if (room.closed !== undefined || room.state === "closed") {
    return ["closed", t.closed];
  }
  if (room.isLive) {
    return ["open", t.connected];
  }
  if (room.state === "open") {
    return ["wait", room.isEntered ? t.catchingUp : t.connecting];
  }
  return room.hasFailed ? ["closed", t.offline] : ["wait", t.connecting];
}

/** The words after a name have to be seen, too. */
const brief = (name: string): string => ([...name].length > 26 ? `${[...name].slice(0, 25).join("")}…` : name);

function typingText(names: readonly string[], t: Texts, tag: string): string {
  const [first] = names.map(brief);
  if (first === undefined) {
    return "";
  }
  if (names.length > 3) {
    return t.typingMany;
  }
  return names.length === 1 ? t.typingOne(first) : t.typingSome(new Intl.ListFormat(tag).format(names.map(brief)));
}
