// Builds the pages into dist/: `node build.mjs [--watch]`. The manifest says which URL is which file.
import { context, build } from "esbuild";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, "dist");

/** Pages with a script of their own: URL, what the tab says, what a search engine says. */
const PAGES = [
  { name: "landing", url: "/", title: "Tidewire hub", about: "What runs here, and how to use it." },
  { name: "tester", url: "/tester", title: "WebSocket tester · Tidewire", about: "Test any WebSocket server from this page." },
  { name: "chat", url: "/chat/*", title: "Chat · Tidewire", about: "A chat room." },
  { name: "demos", url: "/demos", title: "Demos · Tidewire", about: "Small programs with their source." },
];

/** Scripts that other sites load by a name that stays. */
const LIBRARIES = [
  { url: "/tidewire.js", entry: "../sdk/js/src/index.ts" },
  { url: "/chat.js", entry: "src/chat/element.tsx" },
];

const OPTIONS = {
  absWorkingDir: HERE,
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: { tidewire: resolve(HERE, "../sdk/js/src/index.ts") },
  loader: { ".css": "css", ".svg": "text" },
  logLevel: "warning",
  write: false,
  metafile: true,
};

/** A `.css` that is imported as `x.css?text` comes as a string, minified: for shadow roots. */
const cssText = {
  name: "css-text",
  setup(plugin) {
    plugin.onResolve({ filter: /\.css\?text$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice(0, -"?text".length)),
      namespace: "css-text",
    }));
    plugin.onLoad({ filter: /.*/, namespace: "css-text" }, async ({ path }) => {
      const built = await build({ ...OPTIONS, metafile: false, entryPoints: [path] });
      return { contents: built.outputFiles[0].text, loader: "text", watchFiles: [path] };
    });
  },
};

const hash = (bytes) => createHash("sha256").update(bytes).digest("base64url").slice(0, 10);

/** What decides what is built: files and folders of the repository. */
const SOURCES = ["sdk/js/src", "sdk/js/tsconfig.json", "web/build.mjs", "web/package-lock.json", "web/src", "web/tsconfig.json"];

/**
 * A line for each source: path, length, FNV-1a. crates/hub/build/inputs.rs makes the same text to see whether a build is
 * of these very sources.
 */
function inputs() {
  const root = resolve(HERE, "..");
  const collect = (path) => (statSync(join(root, path)).isDirectory()
    ? readdirSync(join(root, path)).filter((name) => !/^\.|~$|\.test\.tsx?$/.test(name)).flatMap((name) => collect(`${path}/${name}`))
    : [path]);
  const line = (path) => {
    const bytes = readFileSync(join(root, path));
    const sum = bytes.reduce((all, byte) => Math.imul(all ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
    return `${path}\t${bytes.length}\t${sum.toString(16).padStart(8, "0")}\n`;
  };
  return SOURCES.flatMap(collect).sort().map(line).join("");
}

/** A text of HTML between tags. */
const escape = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A page: what stands in its head after the title, and in its body after the place that its script fills. */
const document = ({ title, about, name }, head, rest) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escape(about)}">
<title>${escape(title)}</title>
${head.join("\n")}
</head>
<body class="${name}">
<div id="app"></div>
${rest}
</body>
</html>
`;

/** Everything comes from the same host, as the hub's policy asks. */
const shell = (page, style, script, theme) => document(page, [
  '<link rel="icon" href="/assets/favicon.svg">',
  `<script src="${theme}"></script>`,
  `<link rel="stylesheet" href="${style}">`,
  `<script type="module" src="${script}"></script>`,
], '<noscript><p class="noscript">This page needs JavaScript.</p></noscript>');

/** The tester in one file, to be kept and opened from disk. */
const standalone = (page, style, script, theme) => document(page, [
  `<script>${inline(theme)}</script>`,
  `<style>${style.replace(/<\/style/gi, "<\\/style")}</style>`,
], `<script type="module">${inline(script)}</script>`);

const inline = (script) => script.replace(/<\/script/gi, "<\\/script").replace(/<!--/g, "<\\!--");

/** What of a build's output is code, and what is style. */
const parts = (result) => ({
  script: result.outputFiles.find((file) => file.path.endsWith(".js"))?.text ?? "",
  style: result.outputFiles.find((file) => file.path.endsWith(".css"))?.text ?? "",
});

/** One entry: bundled, its parts as text. */
async function bundle(entry, more = {}) {
  return parts(await build({ ...OPTIONS, plugins: [cssText], entryPoints: [entry], outdir: DIST, ...more }));
}

/** Builds everything, and swaps it in only when all of it is there. */
async function all() {
  // Before anything is read: what changes from now on makes this build an old one.
  const sources = inputs();
  const files = new Map();
  const manifest = [];
  const put = (url, file, text) => {
    files.set(file, text);
    manifest.push(`${url}\t${file}`);
    return url;
  };
  const hashed = (name, extension, text) => put(`/assets/${name}-${hash(text)}.${extension}`, `assets/${name}-${hash(text)}.${extension}`, text);

  put("/assets/favicon.svg", "assets/favicon.svg", readFileSync(join(HERE, "src/ui/favicon.svg"), "utf8"));
  // What the demos share; they name it by an address that stays.
  put("/demos/demo.css", "demos/demo.css", (await bundle("src/demos/demo.css")).style);
  put("/demos/frame.js", "demos/frame.js", (await bundle("src/demos/frame.tsx", { format: "iife" })).script);
  const themeText = (await bundle("src/ui/theme-first.ts", { format: "iife" })).script;
  const theme = hashed("theme", "js", themeText);
  for (const { url, entry } of LIBRARIES) {
    put(url, basename(url), (await bundle(entry)).script);
  }
  // Of the tester: runs regular expressions in a thread of its own. The page in one file brings it along as a text.
  const matcher = (await bundle("src/tester/log/matcher-worker.ts", { format: "iife" })).script;
  const matcherUrl = hashed("matcher", "js", matcher);
  const pageParts = (name, worker) => bundle(`src/${name}/main.tsx`, {
    external: ["/chat.js", "/tidewire.js"],
    define: { MATCHER_SCRIPT: JSON.stringify(worker) },
  });
  for (const page of PAGES) {
    const { script, style } = await pageParts(page.name, matcherUrl);
    put(page.url, `${page.name}.html`, shell(page, hashed(page.name, "css", style), hashed(page.name, "js", script), theme));
    if (page.name === "tester") {
      put("/tester.html", "tester-standalone.html", standalone(page, style, (await pageParts(page.name, matcher)).script, themeText));
    }
  }
  // The demos are served as they are written: their source is what they show.
  const demos = join(HERE, "src/demos/files");
  for (const file of existsSync(demos) ? readdirSync(demos) : []) {
    put(`/demos/${file.replace(/\.html$/, "")}`, `demos/${file}`, readFileSync(join(demos, file), "utf8"));
  }

  const next = `${DIST}.next`;
  rmSync(next, { recursive: true, force: true });
  for (const [file, text] of files) {
    mkdirSync(dirname(join(next, file)), { recursive: true });
    writeFileSync(join(next, file), text);
    const gzip = gzipSync(text, { level: 9 });
    if (gzip.length < Buffer.byteLength(text)) {
      writeFileSync(join(next, `${file}.gz`), gzip);
    }
  }
  writeFileSync(join(next, "inputs.tsv"), sources);
  writeFileSync(join(next, "manifest.tsv"), manifest.join("\n") + "\n");
  rmSync(DIST, { recursive: true, force: true });
  cpSync(next, DIST, { recursive: true });
  rmSync(next, { recursive: true });
  return files;
}

if (process.argv.includes("--watch")) {
  // esbuild watches the scripts; any change rebuilds everything, which takes a moment.
  const watcher = await context({
    ...OPTIONS,
    metafile: false,
    plugins: [cssText, { name: "all", setup: (plugin) => plugin.onEnd(async ({ errors }) => {
      if (errors.length === 0) {
        await all().then(() => console.log("built"), (error) => console.error(String(error)));
      }
    }) }],
    entryPoints: [...PAGES.map(({ name }) => `src/${name}/main.tsx`), ...LIBRARIES.map(({ entry }) => entry), "src/demos/frame.tsx"],
    external: ["/chat.js", "/tidewire.js"],
    outdir: DIST,
  });
  await watcher.watch();
} else {
  await all();
}
