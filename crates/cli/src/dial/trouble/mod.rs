//! Why a connection was not made, in words for the user, and the exit code that belongs to it.
//!
//! - [`refusal`]: an HTTP answer instead of a WebSocket; [`tls`]: what TLS says

mod refusal;
mod tls;

use std::io;

use tidewire::tls::TlsError;
use tidewire::{
    ConnectError, ConnectStage, ProxyError, ProxyReason, RequestMisuse, ResponseError, Unreachable,
};

use crate::addr;
use crate::exit::{self, Exit};
use crate::term;

/// No sentence is longer, in characters: it may hold what a peer said.
const SENTENCE: usize = 600;

/// Explains a connection that was not made.
pub(crate) fn explain(url: &str, failure: ConnectError) -> Exit {
    let told = Told::of(&addr::without_user(url), &failure);
    exit::say(told.text().trim_end_matches('\n'));
    told.exit
}

/// What there is to say of a failure.
#[derive(Debug)]
struct Told {
    exit: Exit,
    sentence: String,
    /// More lines, indented: an answer with headers and body. Escaped already.
    answer: String,
    hint: Option<String>,
}

impl Told {
    fn new(exit: Exit, sentence: impl Into<String>) -> Told {
        Told {
            exit,
            sentence: sentence.into(),
            answer: String::new(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Told {
        self.hint = Some(hint.into());
        self
    }

    fn text(&self) -> String {
        let sentence = term::line(&self.sentence, SENTENCE);
        let hint = match &self.hint {
            Some(hint) => format!("hint: {}\n", term::line(hint, SENTENCE)),
            None => String::new(),
        };
        format!("error: {sentence}\n{}{hint}", self.answer)
    }

    fn of(url: &str, failure: &ConnectError) -> Told {
        match failure {
            ConnectError::Refused(response) => refusal::told(
                &format!(
                    "the server answered {}, not 101 Switching Protocols",
                    response.status()
                ),
                Exit::Refused,
                response,
                refusal::server_hint(response),
            ),
            ConnectError::InvalidUrl(why) => {
                Told::new(Exit::Usage, format!("{url}: the URL cannot be used: {why}"))
            }
            ConnectError::InvalidHeader(_) | ConnectError::InvalidCookie(_) => {
                Told::new(Exit::Usage, failure.to_string())
            }
            ConnectError::InvalidRequest(misuse) => misused(misuse),
            ConnectError::Timeout(stage) => late(*stage),
            ConnectError::Resolve { host, error } => unnamed(host, error),
            ConnectError::Unreachable(tried) => unreachable(url, tried),
            ConnectError::Io(error) => broken(url, error),
            ConnectError::Proxy(failed) => proxy(failed),
            ConnectError::Tls(cause) => tls::told(cause),
            ConnectError::Redirect(_) => Told::new(Exit::Refused, failure.to_string()),
            ConnectError::Handshake(ResponseError::Tls) => {
                Told::new(Exit::Tls, failure.to_string()).hint(url.replacen("ws://", "wss://", 1))
            }
            ConnectError::Handshake(cause) => handshake(cause),
            other => Told::new(Exit::BadHandshake, other.to_string()),
        }
    }
}

fn misused(misuse: &RequestMisuse) -> Told {
    let flag = match misuse {
        RequestMisuse::Host => "--host",
        RequestMisuse::Origin => "-o",
        RequestMisuse::SubprotocolMalformed(_) | RequestMisuse::SubprotocolRepeated(_) => "-s",
        RequestMisuse::ReservedHeader(_) | RequestMisuse::TooManyHeaders => "-H",
        _ => "the request",
    };
    Told::new(Exit::Usage, format!("{flag}: {misuse}"))
}

/// A deadline passed before the connection was open.
fn late(stage: ConnectStage) -> Told {
    let what = match stage {
        ConnectStage::Resolve => "the look-up of the name gave no answer",
        ConnectStage::Connect => "nobody answered",
        ConnectStage::Proxy => "the proxy did not connect us",
        ConnectStage::Tls => "the server did not end the TLS handshake",
        _ => "the server did not answer the handshake",
    };
    Told::new(
        Exit::Timeout,
        format!("no WebSocket in time: {what} (--connect-timeout sets how long)"),
    )
}

fn unnamed(host: &str, error: &io::Error) -> Told {
    let why = error.to_string();
    let why = why
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&why);
    let told = Told::new(
        Exit::Dns,
        format!("the host {host:?} has no address: {why}"),
    );
    if error.kind() == io::ErrorKind::AddrNotAvailable {
        return told;
    }
    match why.contains("Temporary failure") {
        true => told.hint("no name server answers: is this machine in a network?"),
        false => {
            told.hint("check its spelling; --resolve HOST:PORT:ADDRESS goes without a look-up")
        }
    }
}

fn unreachable(url: &str, tried: &Unreachable) -> Told {
    let all = |kind| {
        tried
            .attempts()
            .iter()
            .all(|(_, cause)| cause.kind() == kind)
    };
    if all(io::ErrorKind::ConnectionRefused) {
        let sentence =
            format!("{url}: nothing listens there: is the server running, and the port right?");
        return Told::new(Exit::Unreachable, sentence);
    }
    let told = Told::new(Exit::Unreachable, format!("{url}: {tried}"));
    match all(io::ErrorKind::AddrNotAvailable) {
        true => told.hint("the address of --source-ip must be one of this machine"),
        false => told,
    }
}

/// What went wrong with a byte stream that was there.
fn broken(url: &str, error: &io::Error) -> Told {
    // With TLS 1.3 a server judges our certificate when for us the handshake is over.
    let inner = error.get_ref();
    if let Some(cause) = inner.and_then(|inner| inner.downcast_ref::<TlsError>()) {
        return tls::told(cause);
    }
    let lost = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    );
    if !lost {
        return Told::new(Exit::Unreachable, format!("{url}: {error}"));
    }
    let told = Told::new(
        Exit::BadHandshake,
        format!("{url}: the server hung up without an answer"),
    );
    match url.strip_prefix("ws://") {
        Some(rest) => told.hint(format!("if this port speaks TLS: wss://{rest}")),
        None => told,
    }
}

fn handshake(cause: &ResponseError) -> Told {
    let told = Told::new(Exit::BadHandshake, cause.to_string());
    match cause {
        ResponseError::SubprotocolNotOffered(name) => told.hint(format!("offer it: -s {name}")),
        ResponseError::Head(_) | ResponseError::StatusLine => {
            told.hint("something that does not speak HTTP/1.1 answers there: is the port right?")
        }
        ResponseError::ExtensionNotOffered(_) | ResponseError::DeflateAnswer(_) => {
            told.hint("--no-deflate offers no compression at all")
        }
        ResponseError::UpgradeMissing
        | ResponseError::ConnectionWithoutUpgrade
        | ResponseError::AcceptMissing
        | ResponseError::AcceptWrong => {
            told.hint("it said 101, but not as a WebSocket server does; -v shows its answer")
        }
        _ => told,
    }
}

fn proxy(failed: &ProxyError) -> Told {
    let named = failed
        .proxy()
        .unwrap_or("of the command line or the environment");
    match failed.reason() {
        ProxyReason::Invalid(why) => {
            Told::new(Exit::Usage, format!("the proxy cannot be used: {why}"))
                .hint("it is that of --proxy, or of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY")
        }
        ProxyReason::Refused(response)
        | ProxyReason::LoginWanted(Some(response))
        | ProxyReason::LoginRejected(Some(response)) => refusal::told(
            &format!(
                "the proxy {named} answered {} and did not connect us",
                response.status()
            ),
            Exit::Proxy,
            response,
            refusal::proxy_hint(response),
        ),
        ProxyReason::LoginWanted(None) | ProxyReason::LoginRejected(None) => {
            Told::new(Exit::Proxy, failed.to_string()).hint(refusal::PROXY_LOGIN)
        }
        ProxyReason::Unreachable(ConnectError::Unreachable(tried)) => {
            let told = unreachable(named, tried);
            let sentence = format!("the proxy cannot be reached: {}", told.sentence);
            Told::new(Exit::Proxy, sentence)
                .hint("--proxy '' goes without one, --noproxy HOST past it")
        }
        ProxyReason::Tls(cause) => {
            let told = tls::told(cause);
            Told {
                exit: Exit::Proxy,
                sentence: format!("the proxy {named}: {}", told.sentence),
                ..told
            }
        }
        _ => Told::new(Exit::Proxy, failed.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(failure: ConnectError) -> (Exit, String) {
        let told = Told::of("ws://h:1/", &failure);
        (told.exit, told.text())
    }

    #[test]
    fn a_name_without_address_says_why() {
        let error = io::Error::other("failed to lookup address information: Name \x1b[2J unknown");
        let host = "h".to_owned();
        let (exit, said) = text(ConnectError::Resolve { host, error });
        assert_eq!(exit, Exit::Dns);
        assert!(
            said.starts_with("error: the host \"h\" has no address: Name \\x1b[2J"),
            "{said}"
        );
        assert!(said.contains("hint: check its spelling"), "{said}");
    }

    #[test]
    fn plain_words_to_a_port_with_tls_name_the_right_url() {
        let (exit, said) = text(ConnectError::Handshake(ResponseError::Tls));
        assert_eq!(exit, Exit::Tls);
        assert!(said.ends_with("hint: wss://h:1/\n"), "{said}");
        let (exit, said) = text(ConnectError::Io(io::ErrorKind::UnexpectedEof.into()));
        assert_eq!(exit, Exit::BadHandshake);
        assert!(
            said.contains("hint: if this port speaks TLS: wss://h:1/\n"),
            "{said}"
        );
    }

    #[test]
    fn a_server_cannot_speak_through_an_error() {
        let name = "\x1b]0;pwned\x07\nerror: fake".to_owned();
        let (exit, said) = text(ConnectError::Handshake(
            ResponseError::SubprotocolNotOffered(name),
        ));
        assert_eq!(exit, Exit::BadHandshake);
        assert!(
            !said.contains('\x1b') && said.lines().count() == 2,
            "{said}"
        );
    }
}
