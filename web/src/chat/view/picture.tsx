// An image of a message, larger on demand; bytes that are none can be saved.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ImageInfo } from "../model/image.ts";
import type { Language } from "../texts/index.ts";

const SIDE = 280;

/** An address for a blob, for as long as it is shown. */
export function useAddress(blob: Blob): string {
  const url = useMemo(() => URL.createObjectURL(blob), [blob]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return url;
}

export function Picture({ blob, info, name, language }: { blob: Blob; info: ImageInfo; name: string; language: Language }) {
  const { t } = language;
  const url = useAddress(blob);
  const [isOpen, setOpen] = useState(false);
  const [isBroken, setBroken] = useState(false);
  const { width, height } = info;
  const alt = t.imageFrom(name, width, height);
  if (isBroken) {
    return <><em class="faint">{t.imageBroken}</em> <File blob={blob} language={language} /></>;
  }
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const style = { width: `${Math.max(24, Math.round(width * scale))}px`, aspectRatio: `${width} / ${height}` };
  return (
    <>
      <button type="button" class="picture" part="picture" aria-label={t.openImage(alt)} style={style} onClick={() => setOpen(true)}>
        <img src={url} alt={alt} decoding="async" draggable={false} onError={() => setBroken(true)} />
      </button>
      {isOpen && <Larger url={url} alt={alt} label={t.closePanel} onClose={() => setOpen(false)} />}
    </>
  );
}

function Larger({ url, alt, label, onClose }: { url: string; alt: string; label: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog class="larger" ref={dialog} aria-label={alt} onClose={onClose} onClick={(event) => event.target === dialog.current && close()}>
      <img src={url} alt={alt} />
      <button type="button" onClick={close}>{label}</button>
    </dialog>
  );
}

export function File({ blob, language: { t, tag } }: { blob: Blob; language: Language }) {
  const save = () => {
    // Whatever it is: it is saved, not opened.
    const url = URL.createObjectURL(blob.slice(0, blob.size, "application/octet-stream"));
    const link = document.createElement("a");
    link.href = url;
    link.download = "message.bin";
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <span class="file">
      <em class="faint">{t.bytes(new Intl.NumberFormat(tag).format(blob.size))}</em> <button type="button" class="link" onClick={save}>{t.saveFile}</button>
    </span>
  );
}
