// Files of rows: written and read in slices, so that the page goes on meanwhile.
import type { NewRow, Row } from "../model.ts";
import { toCsv } from "./csv.ts";
import { fromHar, toHar } from "./har.ts";
import { FileError, fromLine, toNdjson } from "./ndjson.ts";

export type Format = "ndjson" | "har" | "csv";

export const FORMATS: Record<Format, { label: string; type: string }> = {
  ndjson: { label: "NDJSON", type: "application/x-ndjson" },
  har: { label: "HAR", type: "application/json" },
  csv: { label: "CSV", type: "text/csv" },
};

const SLICE_MS = 12;
/** Larger ones cannot be one text in every browser. */
const LARGEST_HAR = 400 * 1024 * 1024;
/** A line longer than this is no row of a log. */
const LONGEST_LINE = 200 * 1024 * 1024;

const breath = () => new Promise<void>((done) => setTimeout(done));

async function* inSlices(portions: Iterable<string>): AsyncGenerator<string> {
  let until = performance.now() + SLICE_MS;
  for (const portion of portions) {
    yield portion;
    if (performance.now() > until) {
      await breath();
      until = performance.now() + SLICE_MS;
    }
  }
}

const WRITERS = { ndjson: toNdjson, har: toHar, csv: toCsv };

/** A file of the rows as they are now. */
export async function exportRows(rows: readonly Row[], format: Format): Promise<Blob> {
  const parts: Blob[] = [];
  let texts: string[] = [];
  let length = 0;
  for await (const portion of inSlices(WRITERS[format]([...rows]))) {
    texts.push(portion);
    length += portion.length;
    if (length > 4 * 1024 * 1024) {
      parts.push(new Blob(texts));
      texts = [];
      length = 0;
    }
  }
  return new Blob([...parts, ...texts], { type: FORMATS[format].type });
}

/** The lines of a file; throws when it is not UTF-8. */
async function* lines(file: Blob): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = file.stream().getReader();
  let rest = "";
  const decode = (chunk?: Uint8Array) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw new FileError("the file is not text in UTF-8");
    }
  };
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + decode(value)).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
    if (rest.length > LONGEST_LINE) {
      throw new FileError("a line is longer than 200 MiB");
    }
    if (done) {
      yield rest;
      return;
    }
  }
}

/** Whether a file is a HAR, by its name or how it begins. */
async function isHar(file: Blob, name: string): Promise<boolean> {
  if (/\.har$/i.test(name)) {
    return true;
  }
  const start = await file.slice(0, 4096).text();
  return /^\ufeff?\s*\{\s*"log"\s*:/.test(start);
}

async function readNdjson(file: Blob, told: (share: number) => void): Promise<NewRow[]> {
  const rows: NewRow[] = [];
  let number = 0;
  let chars = 0;
  let until = performance.now() + SLICE_MS;
  for await (const line of lines(file)) {
    number += 1;
    chars += line.length + 1;
    if (line.trim() !== "") {
      rows.push(fromLine(line, number));
    }
    if (performance.now() > until) {
      told(Math.min(1, chars / Math.max(1, file.size)));
      await breath();
      until = performance.now() + SLICE_MS;
    }
  }
  return rows;
}

/** Reads all rows of an NDJSON or HAR file, or none: throws a `FileError` that says where it is wrong. */
export async function importRows(file: Blob, name: string, told: (share: number) => void = () => undefined): Promise<NewRow[]> {
  let rows: NewRow[];
  if (await isHar(file, name)) {
    if (file.size > LARGEST_HAR) {
      throw new FileError("a HAR file may have up to 400 MiB. Export NDJSON for more");
    }
    const texts: string[] = [];
    for await (const line of lines(file)) {
      texts.push(line);
    }
    rows = fromHar(texts.join("\n"));
  } else {
    rows = await readNdjson(file, told);
  }
  if (rows.length === 0) {
    throw new FileError("the file holds no rows");
  }
  return rows;
}
