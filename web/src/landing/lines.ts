// The lines to paste, with the address of this hub in them; quoted for sh, bash and zsh.

export interface Line {
  id: string;
  title: string;
  text: string;
  /** What is to know before it is pasted. */
  note?: string;
}

export interface Group {
  id: string;
  title: string;
  lines: Line[];
}

/** Where the authority of `--tls-dev` is, in the shell of Linux. */
const AUTHORITY = "~/.local/share/tidewire/tls-dev/ca.pem";

/** One word of a shell: in double quotes where nothing inside is special (cmd.exe takes those, too), else in single ones. */
export const word = (text: string): string =>
  /^[\w.,:;/?#@&=~+\[\]-]+$/.test(text) ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`;

/** The addresses of a hub whose page is at `origin`. */
export function addresses(origin: string) {
  const http = new URL(origin).origin;
  return { http, ws: http.replace(/^http/, "ws"), tls: http.startsWith("https:") };
}

/** `trust`: programs are told of the local authority of `--tls-dev`. */
export function groups(origin: string, trust = false): Group[] {
  const { http, ws, tls } = addresses(origin);
  const asked = tls && trust;
  const room = `${ws}/chat/lobby?history=10`;
  return [
    { id: "terminal", title: "WebSocket in a terminal", lines: terminal(room, asked) },
    { id: "curl", title: "Plain HTTP, where WebSocket does not pass", lines: plain(http, asked) },
    { id: "embed", title: "A chat in your own page", lines: embed(http) },
    { id: "code", title: "In a program", lines: program(http, ws, asked) },
  ];
}

const terminal = (room: string, trust: boolean): Line[] => [
  { id: "wscat", title: "wscat", text: `npx wscat ${trust ? `--ca ${AUTHORITY} ` : ""}-c ${word(room)}` },
  { id: "websocat", title: "websocat", text: `${certificate(trust)}websocat ${word(room)}` },
  { id: "tidewire", title: "tidewire", text: `${certificate(trust)}tidewire ${word(room)}`, note: "The program that runs this hub is a client, too; after cargo build --release it is target/release/tidewire." },
];

const certificate = (trust: boolean) => (trust ? `SSL_CERT_FILE=${AUTHORITY} ` : "");

function plain(http: string, trust: boolean): Line[] {
  const curl = trust ? `curl --cacert ${AUTHORITY}` : "curl";
  const poll = `${http}/poll?channel=lobby`;
  const publish = JSON.stringify({ op: "publish", channel: "lobby", text: "hello from curl" });
  return [
    { id: "listen", title: "curl: listen", text: `${curl} -N ${word(`${http}/sse?channel=lobby&history=10`)}`, note: "Server-sent events; Ctrl-C ends it." },
    { id: "publish", title: "curl: publish", text: `${curl} ${word(`${http}/uplink`)} -d ${word(publish)}` },
    {
      id: "poll",
      title: "curl: long poll",
      text: `cursor=$(${curl} -s ${word(poll)} | sed 's/.*"cursor":"\\([^"]*\\)".*/\\1/'); ${curl} ${word(`${poll}&wait=25s&since=`)}"$cursor"`,
      note: "Asks where the channel is, then waits up to 25 seconds for the next message: publish one meanwhile.",
    },
  ];
}

function program(http: string, ws: string, trust: boolean): Line[] {
  const node = `fetch("${http}/sse?channel=lobby&history=10").then(async ({ body }) => { for await (const part of body) process.stdout.write(part); });`;
  return [
    {
      id: "console",
      title: "JavaScript, no library",
      text: `const ws = new WebSocket("${ws}/chat/lobby");\nws.onmessage = (event) => console.log(event.data);\nws.onopen = () => ws.send("hello");`,
      note: "Paste it into the console of this page (F12), and open the room in another tab.",
    },
    {
      id: "sdk",
      title: "JavaScript, with the SDK",
      text: `const { Tidewire } = await import("${http}/tidewire.js");\nconst tide = new Tidewire("${ws}/ws", { name: "Console" });\nconst room = tide.channel("chat:lobby", { history: 10 });\nroom.on("message", (message) => console.log(message.from?.name, message.text ?? message.data));\nawait room.publish("hello from the SDK");`,
      note: "Works in the console of this page; comes back by itself and misses nothing. On another site its Content-Security-Policy must allow this address in script-src and connect-src, and this hub must list the site in origins.",
    },
    { id: "node", title: "Node, no package", text: `${trust ? `NODE_EXTRA_CA_CERTS=${AUTHORITY} ` : ""}node -e ${word(node)}`, note: "Node 18 or newer: listens." },
    {
      id: "rust",
      title: "Rust, crate tidewire",
      text: `#[tokio::main]\nasync fn main() -> Result<(), Box<dyn std::error::Error>> {\n    let mut ws = tidewire::connect("${ws}/chat/lobby?history=10").await?;\n    ws.send("hello from Rust").await?;\n    while let Some(message) = ws.recv().await? {\n        println!("{message:?}");\n    }\n    Ok(())\n}`,
    },
  ];
}

const embed = (http: string): Line[] => [
  { id: "element", title: "Two lines in the page", text: `<script type="module" src="${http}/chat.js"></script>\n<tidewire-chat room="lobby"></tidewire-chat>` },
  { id: "origins", title: "One line in tidewire.toml", text: `origins = ["https://your-site.example"]`, note: "Lets the pages of that site in. Without a file: tidewire serve --origin https://your-site.example" },
];
