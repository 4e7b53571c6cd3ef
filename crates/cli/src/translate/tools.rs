//! The connection as a command of another tool, quoted so that nothing in it runs.

use super::shell::quote;
use crate::args::Tool;

/// The connection that was asked for, whoever is to make it.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) protocols: Vec<String>,
    /// In their order, with cookies and logins.
    pub(super) headers: Vec<(String, String)>,
    pub(super) origin: Option<String>,
    pub(super) insecure: bool,
    pub(super) ca: Option<String>,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) redirects: bool,
    pub(super) messages: Vec<String>,
    /// Options that none of the tools is told.
    pub(super) left_out: Vec<&'static str>,
}

/// The text to paste, and what of it the tool cannot do.
#[derive(Debug)]
pub(super) struct Translation {
    pub(super) text: String,
    pub(super) notes: Vec<String>,
}

/// The words of a command, and notes beside it.
struct Writer {
    words: Vec<String>,
    notes: Vec<String>,
}

impl Writer {
    fn new(program: &str) -> Writer {
        Writer {
            words: vec![program.to_owned()],
            notes: Vec::new(),
        }
    }

    fn flag(&mut self, flag: &str) {
        self.words.push(flag.to_owned());
    }

    fn pair(&mut self, flag: &str, value: &str) {
        self.words.push(flag.to_owned());
        self.words.push(quote(value));
    }

    fn joined(&mut self, flag: &str, value: &str) {
        self.words.push(format!("{flag}={}", quote(value)));
    }

    /// Each of `pairs` that is there.
    fn pairs(&mut self, pairs: &[(&str, &Option<String>)]) {
        for (flag, value) in pairs {
            if let Some(value) = value {
                self.pair(flag, value);
            }
        }
    }

    fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    fn end(self, before: &str) -> Translation {
        Translation {
            text: format!("{before}{}", self.words.join(" ")),
            notes: self.notes,
        }
    }
}

/// `wanted` for `tool`.
pub(super) fn translate(tool: Tool, wanted: &Wanted) -> Translation {
    let mut translation = match tool {
        Tool::Wscat => wscat(wanted),
        Tool::Websocat => websocat(wanted),
        Tool::Curl => curl(wanted),
        Tool::Js => javascript(wanted),
        Tool::Python => python(wanted),
    };
    if !wanted.left_out.is_empty() {
        let note = format!("left out: {}", wanted.left_out.join(", "));
        translation.notes.push(note);
    }
    translation
}

fn wscat(wanted: &Wanted) -> Translation {
    let mut to = Writer::new("wscat");
    to.pair("-c", &wanted.url);
    for name in &wanted.protocols {
        to.pair("-s", name);
    }
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in &wanted.headers {
        to.pair("-H", &format!("{name}: {value}"));
        let lower = name.to_ascii_lowercase();
        if seen.contains(&lower) {
            to.note(&format!("wscat sends only the last header named {name}"));
        }
        seen.push(lower);
    }
    to.pairs(&[
        ("-o", &wanted.origin),
        ("--ca", &wanted.ca),
        ("--cert", &wanted.cert),
        ("--key", &wanted.key),
        ("--proxy", &wanted.proxy),
    ]);
    if wanted.insecure {
        to.flag("-n");
    }
    if wanted.redirects {
        to.flag("-L");
    }
    for message in &wanted.messages {
        to.pair("-x", message);
    }
    if !wanted.messages.is_empty() {
        to.note("wscat needs a terminal as its input: in a pipe it sends nothing");
    }
    to.end("")
}

fn websocat(wanted: &Wanted) -> Translation {
    let mut to = Writer::new("websocat");
    let lines = wanted.messages.iter().any(|text| text.contains('\n'));
    if lines {
        to.flag("-0");
    }
    for (name, value) in &wanted.headers {
        to.joined("-H", &format!("{name}: {value}"));
    }
    if !wanted.protocols.is_empty() {
        to.joined("--protocol", &wanted.protocols.join(", "));
    }
    if let Some(origin) = &wanted.origin {
        to.joined("--origin", origin);
    }
    if wanted.insecure {
        to.flag("-k");
    }
    if wanted.ca.is_some() {
        to.note("websocat takes a CA from the variable SSL_CERT_FILE only");
    }
    if wanted.cert.is_some() {
        to.note("websocat takes a client certificate as PKCS#12 only: --client-pkcs12-der");
    }
    if let Some(proxy) = &wanted.proxy {
        match proxy.split_once("://") {
            Some(("socks5" | "socks5h", address)) => to.joined("--socks5", address),
            _ => to.note("websocat has no HTTP proxy: the proxy is left out"),
        }
    }
    if wanted.redirects {
        to.note("websocat follows no redirect");
    }
    to.words.push(quote(&wanted.url));
    if wanted.messages.is_empty() {
        return to.end("");
    }
    to.words.insert(1, "-n".to_owned());
    let end = if lines { "\\0" } else { "\\n" };
    let texts: Vec<String> = wanted.messages.iter().map(|text| quote(text)).collect();
    to.end(&format!("printf '%s{end}' {} | ", texts.join(" ")))
}

fn curl(wanted: &Wanted) -> Translation {
    let mut to = Writer::new("curl");
    for word in ["-i", "-N", "-g", "--http1.1", "--max-time", "5"] {
        to.flag(word);
    }
    to.note("curl shows the answer to the handshake; the key is the RFC's example");
    let own = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (name, value) in own {
        to.pair("-H", &format!("{name}: {value}"));
    }
    if !wanted.protocols.is_empty() {
        let names = wanted.protocols.join(", ");
        to.pair("-H", &format!("Sec-WebSocket-Protocol: {names}"));
    }
    if let Some(origin) = &wanted.origin {
        to.pair("-H", &format!("Origin: {origin}"));
    }
    for (name, value) in &wanted.headers {
        let header = match value.as_str() {
            "" => format!("{name};"),
            value => format!("{name}: {value}"),
        };
        to.pair("-H", &header);
    }
    to.pairs(&[
        ("--cacert", &wanted.ca),
        ("--cert", &wanted.cert),
        ("--key", &wanted.key),
        ("-x", &wanted.proxy),
    ]);
    if wanted.insecure {
        to.flag("-k");
    }
    if wanted.redirects {
        to.flag("-L");
    }
    if !wanted.messages.is_empty() {
        to.note("curl's command sends no messages: they are left out");
    }
    let http = match wanted.url.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => wanted.url.clone(),
    };
    to.words.push(quote(&http));
    to.end("")
}

/// A string of JavaScript or Python: JSON's form is one of both, but for two line ends of JavaScript.
fn string(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace('\u{7f}', "\\u007f")
}

fn strings(texts: &[String]) -> String {
    let all: Vec<String> = texts.iter().map(|text| string(text)).collect();
    format!("[{}]", all.join(", "))
}

fn javascript(wanted: &Wanted) -> Translation {
    let mut notes = Vec::new();
    let beyond = !wanted.headers.is_empty()
        || wanted.origin.is_some()
        || wanted.insecure
        || wanted.ca.is_some()
        || wanted.cert.is_some()
        || wanted.proxy.is_some();
    if beyond {
        notes.push(
            "a browser's WebSocket takes no headers, Origin, login, certificates or proxy: left out"
                .to_owned(),
        );
    }
    let protocols = match wanted.protocols.as_slice() {
        [] => String::new(),
        names => format!(", {}", strings(names)),
    };
    let mut lines = vec![format!(
        "const socket = new WebSocket({}{protocols});",
        string(&wanted.url)
    )];
    if !wanted.messages.is_empty() {
        lines.push("socket.onopen = () => {".to_owned());
        let send = |text: &String| format!("  socket.send({});", string(text));
        lines.extend(wanted.messages.iter().map(send));
        lines.push("};".to_owned());
    }
    lines.push("socket.onmessage = (event) => console.log(event.data);".to_owned());
    lines.push("socket.onclose = (event) => console.log(event.code, event.reason);".to_owned());
    Translation {
        text: lines.join("\n"),
        notes,
    }
}

fn python(wanted: &Wanted) -> Translation {
    let tls = wanted.insecure || wanted.ca.is_some() || wanted.cert.is_some();
    let mut lines = Vec::new();
    if tls {
        lines.push("import ssl".to_owned());
    }
    lines.push("from websockets.sync.client import connect".to_owned());
    lines.push(String::new());
    if tls {
        let ca = wanted.ca.as_deref().map(string);
        let ca = ca.map(|path| format!("cafile={path}")).unwrap_or_default();
        lines.push(format!("context = ssl.create_default_context({ca})"));
        if wanted.insecure {
            lines.push("context.check_hostname = False".to_owned());
            lines.push("context.verify_mode = ssl.CERT_NONE".to_owned());
        }
        if let Some(cert) = &wanted.cert {
            let key = wanted.key.as_deref().map(string);
            let key = key.map(|key| format!(", {key}")).unwrap_or_default();
            lines.push(format!("context.load_cert_chain({}{key})", string(cert)));
        }
        lines.push(String::new());
    }
    lines.push("with connect(".to_owned());
    lines.push(format!("    {},", string(&wanted.url)));
    if !wanted.headers.is_empty() {
        lines.push("    additional_headers=[".to_owned());
        for (name, value) in &wanted.headers {
            lines.push(format!("        ({}, {}),", string(name), string(value)));
        }
        lines.push("    ],".to_owned());
    }
    if !wanted.protocols.is_empty() {
        lines.push(format!("    subprotocols={},", strings(&wanted.protocols)));
    }
    for (name, value) in [("origin", &wanted.origin), ("proxy", &wanted.proxy)] {
        if let Some(value) = value {
            lines.push(format!("    {name}={},", string(value)));
        }
    }
    if tls {
        lines.push("    ssl=context,".to_owned());
    }
    lines.push(") as socket:".to_owned());
    for message in &wanted.messages {
        lines.push(format!("    socket.send({})", string(message)));
    }
    lines.push("    for message in socket:".to_owned());
    lines.push("        print(message)".to_owned());
    Translation {
        text: lines.join("\n"),
        notes: Vec::new(),
    }
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
