// Measures the whole client as a page loads it: bundled, minified, gzipped. Fails where it is too large.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const MOST = 8192;
/** What a program pays that takes only an error class: with no side effects, the rest stays out. */
const MOST_OF_ERROR = 400;

async function measure(contents) {
  const built = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true, format: "esm", target: "es2022", minify: true, write: false, legalComments: "none",
  });
  return gzipSync(built.outputFiles[0].contents, { level: 9 }).length;
}

const all = await measure('export * from "./src/index.ts";');
const error = await measure('import { TidewireError } from "./src/index.ts"; console.log(TidewireError);');
const type = await measure('import { type Message } from "./src/index.ts"; export const message = (m: Message) => m;');
console.log(`the whole client: ${all} of ${MOST} bytes gzipped; TidewireError alone: ${error}; a type alone: ${type}`);
if (all > MOST || error > MOST_OF_ERROR || type > 100) {
  process.exitCode = 1;
}
