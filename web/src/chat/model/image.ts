// What bytes are: an image by its first bytes, its size in pixels, and how far one is made smaller.

export type ImageType = "image/png" | "image/jpeg" | "image/webp" | "image/gif";
export interface ImageInfo {
  type: ImageType;
  width: number;
  height: number;
}

/** Larger ones of others are not unpacked: a few bytes could fill the memory. */
export const MOST_PIXELS = 16_000_000;
/** Those of one's own camera may be. */
export const MOST_OWN_PIXELS = 120_000_000;
const LONGEST_SIDE = 16_384;

const ascii = (bytes: Uint8Array, from: number, text: string): boolean =>
  [...text].every((sign, i) => bytes[from + i] === sign.charCodeAt(0));

/** The kind of an image, by its magic bytes alone. SVG is none: it is a document. */
export function typeOf(bytes: Uint8Array): ImageType | undefined {
  if (ascii(bytes, 0, "\u0089PNG\r\n\u001a\n")) {
    return "image/png";
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) {
    return "image/jpeg";
  }
  if (ascii(bytes, 0, "GIF87a") || ascii(bytes, 0, "GIF89a")) {
    return "image/gif";
  }
  return ascii(bytes, 0, "RIFF") && ascii(bytes, 8, "WEBP") ? "image/webp" : undefined;
}

/** An image that may be shown: of a known kind, with a size that is told and bounded. */
export function imageOf(bytes: Uint8Array, most = MOST_PIXELS): ImageInfo | undefined {
  const type = typeOf(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size: [number, number] | undefined;
  try {
    size = type === undefined ? undefined : SIZES[type](view, bytes);
  } catch {
    return undefined; // cut off in its header
  }
  if (type === undefined || size === undefined) {
    return undefined;
  }
  const [width, height] = size;
  const fits = width > 0 && height > 0 && Math.max(width, height) <= LONGEST_SIDE && width * height <= most;
  return fits ? { type, width, height } : undefined;
}

const SIZES: Record<ImageType, (view: DataView, bytes: Uint8Array) => [number, number] | undefined> = {
  "image/png": (view, bytes) => (ascii(bytes, 12, "IHDR") ? [view.getUint32(16), view.getUint32(20)] : undefined),
  "image/gif": (view) => [view.getUint16(6, true), view.getUint16(8, true)],
  "image/jpeg": jpeg,
  "image/webp": webp,
};

/** Goes from marker to marker until the frame's header. */
function jpeg(view: DataView): [number, number] | undefined {
  let at = 2;
  let isTurned = false;
  while (view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = view.getUint16(at + 2);
    if (marker === 0xe1) {
      isTurned ||= orientation(view, at + 4, length) >= 5;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const height = view.getUint16(at + 5);
      const width = view.getUint16(at + 7);
      return isTurned ? [height, width] : [width, height];
    }
    at += 2 + length;
  }
  return undefined;
}

/** The Exif orientation, 1 to 8; from 5 on the picture lies on its side. */
function orientation(view: DataView, at: number, length: number): number {
  if (length < 20 || view.getUint32(at) !== 0x45786966) {
    return 1;
  }
  const tiff = at + 6;
  const little = view.getUint16(tiff) === 0x4949;
  const first = tiff + view.getUint32(tiff + 4, little);
  const count = Math.min(view.getUint16(first, little), 64);
  for (let i = 0; i < count; i += 1) {
    const entry = first + 2 + i * 12;
    if (view.getUint16(entry, little) === 0x0112) {
      return view.getUint16(entry + 8, little);
    }
  }
  return 1;
}

function webp(view: DataView, bytes: Uint8Array): [number, number] | undefined {
  if (ascii(bytes, 12, "VP8 ")) {
    return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  }
  if (ascii(bytes, 12, "VP8L")) {
    const bits = view.getUint32(21, true);
    return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
  }
  if (ascii(bytes, 12, "VP8X")) {
    const three = (at: number) => view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    return [three(24) + 1, three(27) + 1];
  }
  return undefined;
}

/** How an image is tried, from the best to the least: sides in pixels, quality. */
export interface Attempt {
  width: number;
  height: number;
  quality: number;
}

/** Sides of 1600 pixels at most; first the quality goes down, then the size. */
export function attempts(width: number, height: number): Attempt[] {
  const tries: Attempt[] = [];
  for (let side = 1600; side >= 100; side = Math.round(side * 0.7)) {
    const scale = Math.min(1, side / Math.max(width, height));
    const sides = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    if (tries.length > 0 && scale === 1) {
      continue; // it is smaller than that already, and was tried so
    }
    for (const quality of [0.86, 0.72, 0.55]) {
      tries.push({ ...sides, quality });
    }
  }
  return tries;
}
