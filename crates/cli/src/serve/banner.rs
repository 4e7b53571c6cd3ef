//! What `tidewire serve` prints when it is ready: the addresses, and lines to copy.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use tidewire_hub::Config;
use tidewire_hub::config::{Access, Namespace, Storage};

use crate::term::{self, Style};

/// All that is told about a hub that has started.
#[derive(Debug)]
pub(super) struct Banner {
    pub(super) addrs: Vec<SocketAddr>,
    /// The tester's page with its token, which is told to nobody else.
    pub(super) tester: Option<String>,
    tls: bool,
    development: bool,
    data: PathBuf,
    /// Names of the namespaces that are kept on disk, and of those in memory.
    durable: Vec<String>,
    memory: Vec<String>,
    /// A channel that anyone may listen to, as a name without `chat:`, and whether anyone may publish
    /// there.
    example: Option<(String, bool)>,
}

impl Banner {
    pub(super) fn of(config: &Config) -> Self {
        let namespaces = &config.settings.namespaces;
        let of = |storage| {
            let of = namespaces.iter().filter(move |(_, n)| n.storage == storage);
            of.map(|(name, _)| name.to_string()).collect()
        };
        let open = |namespace: &Namespace| namespace.subscribe == Access::Anyone;
        let chat = namespaces.get_key_value("chat");
        let example = chat.into_iter().chain(namespaces).find(|(_, n)| open(n));
        let example = example.map(|(name, namespace)| {
            let channel = match name.as_ref() {
                "chat" => "lobby".to_owned(),
                name => format!("{name}:lobby"),
            };
            (channel, namespace.publish == Access::Anyone)
        });
        Self {
            addrs: Vec::new(),
            tester: None,
            tls: config.tls.is_some(),
            development: config.development,
            data: config.data.clone(),
            durable: of(Storage::Durable),
            memory: of(Storage::Memory),
            example,
        }
    }

    /// `listening on http://…/`, one line an address.
    pub(super) fn addresses(&self) -> String {
        let s = if self.tls { "s" } else { "" };
        self.addrs.iter().fold(String::new(), |mut out, addr| {
            _ = writeln!(out, "listening on http{s}://{addr}/");
            out
        })
    }

    /// How to use it, where its data is, and what kind of server it is.
    pub(super) fn text(&self, colour: bool) -> String {
        let mut out = "\n".to_owned();
        let mut line = |label: &str, rest: &str| {
            let label = term::paint(colour, Style::Dim, &format!("{label:<12}"));
            _ = writeln!(out, "  {label}{rest}");
        };
        if let Some(tester) = &self.tester {
            line("Tester", tester);
        }
        self.commands(&mut line);
        line("Data", &self.data_line());
        if !self.tls && !self.addrs.iter().all(|addr| addr.ip().is_loopback()) {
            line(
                "",
                "Other machines can reach it, without TLS: what is said can be read and changed on its way.",
            );
        }
        if self.development {
            line(
                "",
                "Development server, as there is no configuration file: every program and every page of",
            );
            line(
                "",
                "localhost may subscribe, publish and see who is there. Before others can reach it:",
            );
            line(
                "",
                "tidewire check-config --sample > tidewire.toml; tidewire serve --config tidewire.toml",
            );
        }
        out.push('\n');
        out
    }

    fn commands(&self, line: &mut impl FnMut(&str, &str)) {
        let Some(addr) = self.addrs.first().copied().map(reachable) else {
            return;
        };
        let s = if self.tls { "s" } else { "" };
        let (http, ws) = (format!("http{s}://{addr}"), format!("ws{s}://{addr}"));
        let Some((channel, publish)) = &self.example else {
            let rest =
                "no namespace lets anyone subscribe: see subscribe in the configuration file";
            return line("Channels", rest);
        };
        let path = match channel.contains(':') {
            false => format!("/chat/{channel}"),
            true => format!("/c/{channel}"),
        };
        if !channel.contains(':') {
            line("Chat", &format!("{http}{path}"));
        }
        let send = if *publish {
            " ws.onopen = () => ws.send(\"hi\");"
        } else {
            ""
        };
        line(
            "JavaScript",
            &format!(
                "ws = new WebSocket(\"{ws}{path}\"); ws.onmessage = e => console.log(e.data);{send}"
            ),
        );
        line("wscat", &format!("wscat -c {ws}{path}"));
        line("tidewire", &format!("tidewire {ws}{path}"));
        line("curl", &format!("curl -N '{http}/sse?channel={channel}'"));
        if *publish {
            let command = format!(
                "{{\"op\":\"publish\",\"id\":1,\"channel\":\"{channel}\",\"data\":\"hi\"}}"
            );
            line("", &format!("curl {http}/uplink -d '{command}'"));
        }
    }

    fn data_line(&self) -> String {
        let path = term::line(&self.data.display().to_string(), 1000);
        match (self.durable.as_slice(), self.memory.as_slice()) {
            ([], []) => "nothing is kept: there is no namespace".to_owned(),
            ([], memory) => format!("nothing is kept: {} in memory", listed(memory)),
            (durable, []) => format!("{path} ({})", listed(durable)),
            (durable, memory) => {
                format!(
                    "{path} ({}; in memory: {})",
                    listed(durable),
                    listed(memory)
                )
            }
        }
    }
}

/// The first few of them.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>();
    let more = if names.len() > 5 { ", …" } else { "" };
    shown.join(", ") + more
}

/// An address that a client on this machine can use.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::path::Path;

    fn of(toml: &str) -> Banner {
        let config = Config::from_toml(Path::new("hub.toml"), toml)
            .unwrap()
            .config;
        let mut banner = Banner::of(&config);
        banner.addrs = vec!["0.0.0.0:4000".parse().unwrap()];
        banner
    }

    #[test]
    fn a_development_server_is_told_with_lines_to_copy() {
        let mut banner = Banner::of(&Config::development());
        banner.addrs = vec![
            "127.0.0.1:4000".parse().unwrap(),
            "[::1]:4000".parse().unwrap(),
        ];
        assert_eq!(
            banner.addresses(),
            "listening on http://127.0.0.1:4000/\nlistening on http://[::1]:4000/\n"
        );
        assert!(!banner.text(false).contains("Tester"));
        banner.tester = Some("http://127.0.0.1:4000/tester#agent=7f".to_owned());
        let text = banner.text(false);
        for part in [
            "  Tester      http://127.0.0.1:4000/tester#agent=7f\n",
            "http://127.0.0.1:4000/chat/lobby\n",
            "new WebSocket(\"ws://127.0.0.1:4000/chat/lobby\")",
            "wscat -c ws://127.0.0.1:4000/chat/lobby\n",
            "tidewire ws://127.0.0.1:4000/chat/lobby\n",
            "curl -N 'http://127.0.0.1:4000/sse?channel=lobby'\n",
            "curl http://127.0.0.1:4000/uplink -d '{\"op\":\"publish\"",
            "(chat, dm; in memory: live, prices)",
            "Development server",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("without TLS"), "{text}");
        assert!(!text.contains('\u{1b}') && banner.text(true).contains('\u{1b}'));
    }

    #[test]
    fn a_configured_hub_is_told_by_what_it_allows() {
        let text = of("[namespaces.news]\nsubscribe = \"anyone\"\n").text(false);
        assert!(text.contains("ws://127.0.0.1:4000/c/news:lobby"), "{text}");
        assert!(text.contains("without TLS"), "{text}");
        assert!(
            !text.contains("uplink") && !text.contains("send("),
            "{text}"
        );
        assert!(
            !text.contains("Development") && text.contains("nothing is kept"),
            "{text}"
        );
        let text = of("[namespaces.chat]\nstorage = \"durable\"\n").text(false);
        assert!(
            text.contains("no namespace lets anyone subscribe"),
            "{text}"
        );
        assert!(text.contains("tidewire-data (chat)"), "{text}");
    }
}
