// Whether node_modules has what the lock asks for: `node installed.mjs [--dev] [FOLDER]` ends with 0 if it has. `--dev`:
// what tests need, too.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const words = process.argv.slice(2);
const withTests = words.includes("--dev");
const HERE = words.find((word) => word !== "--dev") ?? dirname(fileURLToPath(import.meta.url));
const json = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Packages for other systems are not installed here; nor, perhaps, what only those need. */
const isForHere = ({ os, cpu, libc, optional }) =>
  (os?.includes(process.platform) ?? !optional) && (cpu?.includes(process.arch) ?? !optional) && libc === undefined;

for (const [path, locked] of Object.entries(json(join(HERE, "package-lock.json")).packages)) {
  if (path === "" || (locked.dev && !withTests) || !isForHere(locked)) {
    continue;
  }
  const manifest = join(HERE, path, "package.json");
  const found = existsSync(manifest) ? json(manifest).version : undefined;
  if (found !== locked.version) {
    console.log(`${path} is ${found ?? "missing"}, and ${locked.version} is locked`);
    process.exitCode = 1;
  }
}
