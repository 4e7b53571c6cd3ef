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
/** How often the progress is told. */
const TOLD_MS = 250;
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

/** The text of a file, some at once; throws when it is not UTF-8. */
async function* chunks(file: Blob): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = file.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    let text: string;
    try {
      text = decoder.decode(value, { stream: !done });
    } catch {
      throw new FileError("the file is not text in UTF-8");
    }
    yield text;
    if (done) {
      return;
    }
  }
}

/** The lines of a file, some at once. What is not yet a line is kept in parts: a long one would be copied each time. */
async function* lines(file: Blob): AsyncGenerator<string[]> {
  let open: string[] = [];
  let length = 0;
  for await (const chunk of chunks(file)) {
    const parts = chunk.split("\n");
    const last = parts.pop() ?? "";
    length += (parts[0] ?? last).length;
    if (length > LONGEST_LINE) {
      throw new FileError("a line is longer than 200 MiB");
    }
    if (parts.length > 0) {
      parts[0] = open.join("") + parts[0];
      yield parts;
      open = [];
      length = last.length;
    }
    open.push(last);
  }
  yield [open.join("")];
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
  let nextTold = 0;
  for await (const some of lines(file)) {
    for (const line of some) {
      number += 1;
      chars += line.length + 1;
      if (line.trim() !== "") {
        rows.push(fromLine(line, number));
      }
      if (performance.now() > until) {
        if (performance.now() > nextTold) {
          told(Math.min(1, chars / Math.max(1, file.size)));
          nextTold = performance.now() + TOLD_MS;
        }
        await breath();
        until = performance.now() + SLICE_MS;
      }
    }
  }
  return rows;
}

/** Reads all rows of an NDJSON or HAR file, or none: throws a `FileError` that says where it is wrong. */
export async function importRows(file: Blob, name: string, told: (share: number) => void = () => undefined): Promise<NewRow[]> {
  if (/\.csv$/i.test(name)) {
    throw new FileError("CSV is for spreadsheets, and does not hold all. Export NDJSON or HAR to read it again");
  }
  let rows: NewRow[];
  if (await isHar(file, name)) {
    if (file.size > LARGEST_HAR) {
      throw new FileError("a HAR file may have up to 400 MiB. Export NDJSON for more");
    }
    const texts: string[] = [];
    for await (const text of chunks(file)) {
      texts.push(text);
    }
    rows = fromHar(texts.join(""));
  } else {
    rows = await readNdjson(file, told);
  }
  if (rows.length === 0) {
    throw new FileError("the file holds no rows");
  }
  return rows;
}
