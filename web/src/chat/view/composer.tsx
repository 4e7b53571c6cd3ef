// Where one writes: text, emoji, images that are looked at before they go.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Language } from "../texts/index.ts";
import type { Image } from "./images.ts";
import { useAddress } from "./picture.tsx";
import { Picker } from "./picker.tsx";

interface Props {
  language: Language;
  /** What was written and not sent: it outlives the field. */
  draft: { current: string };
  takesFocus: boolean;
  images: readonly Image[];
  problem: string;
  onFiles: (files: readonly File[]) => void;
  onTakeOut: (image: Image) => void;
  /** Gives whether it was taken. */
  onSend: (text: string) => boolean;
  onTyping: (isSomething: boolean) => void;
}

export function Composer({ language: { t }, draft, takesFocus, images, problem, onFiles, onTakeOut, onSend, onTyping }: Props) {
  const [text, setText] = useState(draft.current);
  const [isPicking, setPicking] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const caret = useRef<[number, number] | undefined>(undefined);

  useLayoutEffect(() => {
    draft.current = text;
    const area = field.current!;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, 160)}px`;
    if (caret.current !== undefined) {
      area.setSelectionRange(...caret.current);
      caret.current = undefined;
    }
  }, [text]);
  // The field is new after a name was given: then one wants to write.
  useLayoutEffect(() => {
    if (takesFocus) {
      field.current?.focus();
    }
  }, [takesFocus]);

  const write = (next: string) => {
    setText(next);
    onTyping(next.trim() !== "");
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    if ((text.trim() !== "" || images.length > 0) && onSend(text)) {
      setText("");
      setPicking(false);
    }
    field.current?.focus();
  };
  const pressed = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses a word; old engines say so by 229 alone.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      submit(event);
    }
  };
  const pasted = (event: ClipboardEvent) => {
    const found = [...(event.clipboardData?.files ?? [])];
    if (found.length > 0) {
      event.preventDefault();
      onFiles(found);
    }
  };
  const pick = (sign: string) => {
    const area = field.current!;
    const [from, to] = [area.selectionStart, area.selectionEnd];
    caret.current = [from + sign.length, from + sign.length];
    write(text.slice(0, from) + sign + text.slice(to));
    setPicking(false);
    area.focus();
  };
  const chosen = () => {
    onFiles([...(files.current?.files ?? [])]);
    files.current!.value = "";
    field.current?.focus();
  };
  const closePicker = () => {
    setPicking(false);
    field.current?.focus();
  };
  const canSend = text.trim() !== "" || images.length > 0;
  return (
    <form class="composer" part="composer" onSubmit={submit}>
      {problem !== "" && <p class="problem" role="alert" dir="auto">{problem}</p>}
      {images.length > 0 && <div class="images">{images.map((image) => <Preview key={image.id} image={image} label={t.removeImage(image.name)} onTakeOut={() => onTakeOut(image)} />)}</div>}
      {isPicking && <Picker id="picker" t={t} onPick={pick} onClose={closePicker} onLeave={() => setPicking(false)} />}
      <div class="field" part="field">
        <button type="button" class="icon" aria-label={t.addImage} title={t.addImage} onClick={() => files.current?.click()}><Icon name="image" /></button>
        <input ref={files} type="file" hidden multiple accept="image/png,image/jpeg,image/webp,image/gif" aria-label={t.addImage} onChange={chosen} />
        <textarea ref={field} part="input" rows={1} maxLength={10_000} dir="auto" value={text} aria-label={t.message} placeholder={t.message} enterkeyhint="send"
          onInput={(event) => write(event.currentTarget.value)} onKeyDown={pressed} onPaste={pasted} />
        <button type="button" class="icon" aria-label={t.emoji} title={t.emoji} aria-expanded={isPicking} aria-controls={isPicking ? "picker" : undefined} onClick={() => setPicking(!isPicking)}><Icon name="smile" /></button>
        <button type="submit" class="icon send" part="send" aria-label={t.send} title={t.send} aria-disabled={!canSend}><Icon name="send" /></button>
      </div>
    </form>
  );
}

function Preview({ image, label, onTakeOut }: { image: Image; label: string; onTakeOut: () => void }) {
  const url = useAddress(image.blob);
  return (
    <figure class="preview">
      <img src={url} alt={image.name} />
      <figcaption><bdi>{image.name}</bdi> <span class="faint">{image.size}</span></figcaption>
      <button type="button" class="icon" aria-label={label} title={label} onClick={onTakeOut}><Icon name="cross" /></button>
    </figure>
  );
}

const PATHS = {
  image: "M4 5h16v14H4zM4 16l5-5 5 5 2-2 4 4M15.5 9.5v.01",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.5 14.5c1.8 2.4 5.2 2.4 7 0M9 9.5v.01M15 9.5v.01",
  send: "M4 12l16-8-5 16-3.5-6.5zM11.5 13.5L20 4",
  cross: "M6 6l12 12M18 6L6 18",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 4.5a3.2 3.2 0 0 1 0 6.1M18 14.3c2 .8 3.2 2.7 3.5 5.7",
} as const;

export const Icon = ({ name }: { name: keyof typeof PATHS }) => <svg viewBox="0 0 24 24" aria-hidden="true"><path d={PATHS[name]} /></svg>;
