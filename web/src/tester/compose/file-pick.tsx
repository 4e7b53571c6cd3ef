// Bytes from a file, or typed as hex or base64.
import { useRef } from "preact/hooks";
import type { MessageKind } from "../share.ts";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { isBinary } from "./message.ts";
import { parseBase64, parseHex } from "./payload.ts";
import { bytesText } from "../log/format.ts";
import { hexText } from "../log/hex.ts";
import { base64 } from "../../ui/base64.ts";

/** One message in memory, and again in the socket's queue. */
const LARGEST = 64 * 1024 * 1024;
/** Above this the typed form is not made anew when the notation changes. */
const LONGEST = 65_536;

async function take(file: File, tester: Tester): Promise<void> {
  if (file.size > LARGEST) {
    tester.trouble.set({ where: "message", text: `${file.name} is ${bytesText(file.size)}: more than ${bytesText(LARGEST)} is not sent as one message.` });
    return;
  }
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    tester.trouble.set(undefined);
    const { kind, text } = tester.draft.value;
    tester.draft.set({ kind: isBinary(kind) ? kind : "hex", text: isBinary(kind) ? text : "", file: { name: file.name, bytes } });
  } catch {
    tester.trouble.set({ where: "message", text: `${file.name} cannot be read. Is it a folder?` });
  }
}

/** A file dropped on the composer is what will be sent. */
export function takeDrop(event: DragEvent, tester: Tester): void {
  const file = event.dataTransfer?.files[0];
  if (file !== undefined) {
    event.preventDefault();
    void take(file, tester);
  }
}

export function FilePick({ tester, choose }: { tester: Tester; choose(kind: MessageKind): void }) {
  const draft = useStore(tester.draft);
  const input = useRef<HTMLInputElement>(null);
  const turn = (kind: MessageKind) => {
    const bytes = (draft.kind === "hex" ? parseHex : parseBase64)(draft.text);
    choose(kind);
    if (bytes.ok && bytes.bytes.length <= LONGEST) {
      tester.draft.patch({ text: kind === "hex" ? hexText(bytes.bytes) : base64(bytes.bytes) });
    }
  };
  const drop = () => tester.draft.set({ kind: draft.kind, text: draft.text });
  return (
    <div class="line">
      {draft.file === undefined ? (
        <>
          <label class="inline">as <select value={draft.kind} onChange={(event) => turn(event.currentTarget.value === "hex" ? "hex" : "base64")}>
            <option value="hex">hex</option>
            <option value="base64">base64</option>
          </select></label>
        </>
      ) : (
        <span class="grow file"><strong>{draft.file.name}</strong> <span class="faint">{bytesText(draft.file.bytes.length)}</span></span>
      )}
      <input ref={input} type="file" class="sr" tabIndex={-1} aria-label="File to send" onChange={(event) => {
        const file = event.currentTarget.files?.[0];
        if (file !== undefined) {
          void take(file, tester);
        }
        event.currentTarget.value = "";
      }} />
      <button type="button" class="small" onClick={() => input.current?.click()}>{draft.file === undefined ? "Choose or drop a file" : "Another"}</button>
      {draft.file !== undefined && <button type="button" class="small" onClick={drop}>Remove</button>}
    </div>
  );
}
