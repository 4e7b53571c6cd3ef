//! Which Hosts the hub answers to, and pages of which Origins may use it: rules and nothing else.

mod authority;
mod rule;
#[cfg(test)]
mod tests;

use self::authority::{Authority, Name, Web};
pub use self::rule::{HostRule, InvalidRule, OriginRule};
use std::fmt;

/// What a request wants to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// Channels, pages, metrics: Host and Origin are judged.
    Hub,
    /// An echo gives nothing away that its caller did not bring: neither is judged.
    Echo,
    /// `/tidewire.js` and `/chat.js`, which are the same for all: Host is judged, Origin is not.
    Script,
    /// `/healthz`, asked by machines under any name: neither is judged.
    Health,
}

/// Judges the Host of a request, then its Origin.
///
/// Host comes first: a page whose name was made to point here (DNS rebinding) has an Origin that looks
/// like the hub's own. The default answers to loopback names and lets in pages of the same host and
/// port, and what is no page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    hosts: Vec<HostRule>,
    origins: Vec<OriginRule>,
    /// Names that the hub was told to listen on.
    bound: Vec<Name>,
    beyond_loopback: bool,
    any_loopback_page: bool,
}

impl Guard {
    /// The rules of a hub that listens on `listen` (each `HOST:PORT`).
    ///
    /// `any_loopback_page`: pages of every loopback host and port are let in, as a development server
    /// wants it: the page often comes from another port. Never for a hub that holds anything of worth:
    /// every program of this machine can serve such a page.
    #[must_use]
    pub fn new(
        listen: &[String],
        hosts: Vec<HostRule>,
        origins: Vec<OriginRule>,
        any_loopback_page: bool,
    ) -> Self {
        let bound = listen
            .iter()
            .filter_map(|text| Authority::parse(text))
            .map(|authority| authority.name)
            .collect();
        Self {
            hosts,
            origins,
            bound,
            beyond_loopback: !listen.iter().all(|text| is_loopback(text)),
            any_loopback_page,
        }
    }

    /// Judges a request that came with these headers; `tls`: over the hub's own TLS.
    ///
    /// Who finds a header twice gives both values, joined with a comma: such a Host or Origin is denied.
    ///
    /// # Errors
    ///
    /// [`Denied`], to be answered with 403.
    pub fn judge(
        &self,
        endpoint: Endpoint,
        host: Option<&str>,
        origin: Option<&str>,
        tls: bool,
    ) -> Result<(), Denied> {
        match endpoint {
            Endpoint::Echo | Endpoint::Health => return Ok(()),
            Endpoint::Hub | Endpoint::Script => {}
        }
        let authority = host.and_then(Authority::parse);
        let Some(authority) = authority.filter(|authority| self.answers_to(authority)) else {
            return Err(Denied::host(host));
        };
        let Some(origin) = origin.filter(|_| endpoint != Endpoint::Script) else {
            // Not a page: browsers send it with everything that could do harm.
            return Ok(());
        };
        if self.lets_in(origin, &authority, tls) {
            Ok(())
        } else {
            Err(Denied::origin(origin, &authority))
        }
    }

    /// The Hosts that were configured.
    #[must_use]
    pub fn hosts(&self) -> &[HostRule] {
        &self.hosts
    }

    /// The Origins that were configured.
    #[must_use]
    pub fn origins(&self) -> &[OriginRule] {
        &self.origins
    }

    fn answers_to(&self, host: &Authority) -> bool {
        host.name.is_loopback()
            // No name can be made to point here if there is no name.
            || self.beyond_loopback && (host.name.is_ip() || self.bound.contains(&host.name))
            || self.hosts.iter().any(|rule| rule.admits(host))
    }

    fn lets_in(&self, origin: &str, host: &Authority, tls: bool) -> bool {
        let page = Web::parse(origin);
        self.origins.iter().any(|rule| rule.admits(page.as_ref()))
            || page.is_some_and(|page| {
                page.is_same_place(host, tls)
                    || self.any_loopback_page
                        && page.default_port().is_some()
                        && page.authority.name.is_loopback()
            })
    }
}

/// Whether an address to listen on, `HOST:PORT`, is reachable from this machine only.
#[must_use]
pub fn is_loopback(listen: &str) -> bool {
    Authority::parse(listen).is_some_and(|authority| authority.name.is_loopback())
}

/// Whether a page of `origin` was served by the server that was reached as `host`, which is a loopback
/// name; `tls`: over its own TLS. Stricter than [`Guard::judge`]: no rule lets others in, and no proxy
/// may stand in between.
pub(crate) fn is_own_page(host: &str, origin: &str, tls: bool) -> bool {
    let scheme = if tls { "https" } else { "http" };
    match (Authority::parse(host), Web::parse(origin)) {
        (Some(host), Some(page)) => {
            host.name.is_loopback() && page.scheme == scheme && page.is_same_place(&host, tls)
        }
        _ => false,
    }
}

/// `HOST:PORT` of what people write for an address to listen on: `4000` and `:4000` mean loopback.
pub(crate) fn listen_address(text: &str) -> Result<String, String> {
    let with_host = if text.parse::<u16>().is_ok() {
        format!("127.0.0.1:{text}")
    } else if text.starts_with(':') {
        format!("127.0.0.1{text}")
    } else {
        text.to_owned()
    };
    match Authority::parse(&with_host) {
        Some(Authority {
            name,
            port: Some(port),
        }) => Ok(format!("{name}:{port}")),
        Some(Authority { name, port: None }) => {
            Err(format!("{name} has no port: write for example {name}:4000"))
        }
        None => Err(format!(
            "\"{}\" is not an address to listen on: write HOST:PORT, for example 127.0.0.1:4000 or \
             [::1]:4000",
            harmless(text)
        )),
    }
}

/// A request that the guard turns away. Its `Display` is for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// The Host is not the hub's.
    Host {
        /// What the request said, made harmless and cut; `None`: nothing.
        host: Option<String>,
        /// The value of `--host` that would admit it.
        flag: Option<String>,
    },
    /// Pages of that Origin may not use the hub.
    Origin {
        /// What the request said, made harmless and cut.
        origin: String,
        /// The Host that it was reached as.
        host: String,
        /// The value of `--origin` that would admit it.
        flag: Option<String>,
    },
}

impl Denied {
    fn host(host: Option<&str>) -> Self {
        Self::Host {
            host: host.map(harmless),
            flag: host
                .and_then(Authority::parse)
                .map(|authority| authority.name.to_string()),
        }
    }

    fn origin(origin: &str, host: &Authority) -> Self {
        Self::Origin {
            origin: harmless(origin),
            host: host.to_string(),
            flag: Web::parse(origin).map(|page| page.to_string()),
        }
    }

    /// One line for the terminal, with the flag that would admit it. Nothing in it drives a terminal or
    /// a shell.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Host {
                host: Some(host),
                flag: Some(flag),
            } => format!("denied Host \"{host}\"; if that is this server: --host {flag}"),
            Self::Host {
                host: Some(host), ..
            } => format!("denied Host \"{host}\", which is no name of a host"),
            Self::Host { host: None, .. } => "denied a request without Host".to_owned(),
            Self::Origin {
                origin,
                flag: Some(flag),
                ..
            } => format!("denied Origin \"{origin}\"; to let its pages in: --origin {flag}"),
            Self::Origin { origin, .. } if origin == "null" => {
                "denied Origin \"null\": a file or a sandboxed frame; serve the page over http, \
                 for example from http://localhost:8000"
                    .to_owned()
            }
            Self::Origin { origin, .. } => {
                format!("denied Origin \"{origin}\", which is no origin of a page")
            }
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host {
                host: Some(host), ..
            } => write!(
                f,
                "This server does not answer to Host \"{host}\". Its setting \"hosts\" (--host) lists \
                 the names it has."
            ),
            Self::Host { host: None, .. } => f.write_str("The request names no Host."),
            Self::Origin { origin, host, .. } => write!(
                f,
                "Pages of Origin \"{origin}\" may not use this server, which was reached as Host \
                 \"{host}\". Its setting \"origins\" (--origin) lists those that may."
            ),
        }
    }
}

impl std::error::Error for Denied {}

/// Longest part of a header that is told again, in characters.
const SHOWN: usize = 100;

/// Printable ASCII without quotes, cut: safe in an answer, a log and a terminal.
fn harmless(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(SHOWN)
        .map(|c| match c {
            '"' | '\\' => '?',
            ' '..='~' => c,
            _ => '?',
        })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        out.push_str("...");
    }
    out
}
