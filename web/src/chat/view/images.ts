// The images that are about to be sent.
import { useState } from "preact/hooks";
import { encode } from "../encode.ts";
import { sizeText } from "../model/content.ts";
import { clean } from "../model/people.ts";
import type { Language } from "../texts/index.ts";

export interface Image {
  id: number;
  name: string;
  size: string;
  bytes: Uint8Array<ArrayBuffer>;
  blob: Blob;
}

const MOST = 8;
let count = 0;

export interface Images {
  images: readonly Image[];
  problem: string;
  add: (files: readonly Blob[]) => Promise<void>;
  takeOut: (image: Image) => void;
  /** Gives all, and begins anew. */
  take: () => readonly Image[];
}

export function useImages(limit: number, { t, tag }: Language, said: (text: string) => void): Images {
  const [images, setImages] = useState<readonly Image[]>([]);
  const [problem, setProblem] = useState("");

  const add = async (files: readonly Blob[]) => {
    setProblem("");
    for (const file of files.slice(0, MOST)) {
      const name = file instanceof File ? clean(file.name) : t.addImage;
      const encoded = await encode(file, limit);
      if ("problem" in encoded) {
        setProblem(encoded.problem === "not" ? t.imageNot(name) : t.imageTooLarge(sizeText(limit, tag)));
        continue;
      }
      const { bytes } = encoded;
      count += 1;
      const image: Image = { id: count, name, size: sizeText(bytes.length, tag), bytes, blob: new Blob([bytes]) };
      setImages((known) => [...known, image].slice(0, MOST));
      said(t.imageReady(name));
    }
  };
  const takeOut = (image: Image) => setImages((known) => known.filter(({ id }) => id !== image.id));
  const take = () => {
    setImages([]);
    setProblem("");
    return images;
  };
  return { images, problem, add, takeOut, take };
}
