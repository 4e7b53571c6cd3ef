// Makes an image small enough to send: drawn anew by a canvas, which also leaves out what the file says about its maker.
import { MOST_OWN_PIXELS, attempts, imageOf, typeOf } from "./model/image.ts";

export type Encoded = { bytes: Uint8Array<ArrayBuffer> } | { problem: "not" | "large" };

const TYPES = ["image/webp", "image/jpeg"] as const;

/** The image in at most `limit` bytes; an animation becomes its first picture. */
export async function encode(file: Blob, limit: number): Promise<Encoded> {
  const head = new Uint8Array(await file.arrayBuffer());
  const info = imageOf(head, MOST_OWN_PIXELS);
  if (info === undefined) {
    return { problem: typeOf(head) === undefined ? "not" : "large" };
  }
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return { problem: imageOf(head) === undefined ? "large" : "not" };
  }
  try {
    const bytes = await smallest(picture, limit);
    return bytes === undefined ? { problem: "large" } : { bytes };
  } finally {
    picture.close();
  }
}

async function smallest(picture: ImageBitmap, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (const { width, height, quality } of attempts(picture.width, picture.height)) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const pen = canvas.getContext("2d");
    if (pen === null) {
      return undefined;
    }
    for (const type of TYPES) {
      if (type === "image/jpeg") {
        // What is transparent would become black.
        pen.globalCompositeOperation = "source-over";
        pen.fillStyle = "#ffffff";
        pen.fillRect(0, 0, width, height);
      }
      pen.drawImage(picture, 0, 0, width, height);
      const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, quality));
      // A browser that cannot write a type gives PNG.
      if (blob !== null && blob.type === type) {
        if (blob.size <= limit) {
          return new Uint8Array(await blob.arrayBuffer());
        }
        break;
      }
    }
  }
  return undefined;
}
