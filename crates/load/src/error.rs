//! What can go wrong: [`LoadError`] ends a run, [`Failures`] counts connections that failed in it.

use std::collections::BTreeMap;
use std::{fmt, io};
use tidewire::ConnectError;

/// Why a run gave no report.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The plan or its URL cannot be used; the caller's to mend.
    InvalidPlan(String),
    /// There is no process with this id.
    NoSuchProcess(u32),
    /// So many connections need more open files than the system allows.
    TooFewFiles {
        /// Open files needed.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The first connection could not be opened.
    NoneConnected(Box<ConnectError>),
    /// It was [stopped](crate::Stop) before anything was measured.
    Interrupted,
    /// Every connection failed before the measurement ended.
    NoneLeft(Failures),
    /// The operating system gave no runtime.
    Runtime(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidPlan(why) => f.write_str(why),
            Self::NoSuchProcess(pid) => {
                write!(
                    f,
                    "there is no process {pid}: give the id of the server that runs now"
                )
            }
            Self::TooFewFiles { needed, limit } => write!(
                f,
                "this needs {needed} open files and the limit is {limit}: raise it with \
                 `ulimit -n {needed}`, or open fewer connections"
            ),
            Self::NoneConnected(error) => write!(f, "no connection could be opened: {error}"),
            Self::Interrupted => f.write_str("stopped before anything was measured"),
            Self::NoneLeft(failures) => {
                write!(
                    f,
                    "every connection failed before the measurement ended: {failures}"
                )
            }
            Self::Runtime(error) => write!(f, "could not start: {error}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoneConnected(error) => Some(error),
            Self::Runtime(error) => Some(error),
            _ => None,
        }
    }
}

impl LoadError {
    /// Why the first connection could not be opened.
    pub(crate) fn connect(error: ConnectError) -> Self {
        match error {
            ConnectError::InvalidUrl(_)
            | ConnectError::InvalidHeader(_)
            | ConnectError::InvalidCookie(_)
            | ConnectError::InvalidRequest(_) => Self::InvalidPlan(error.to_string()),
            error => Self::NoneConnected(Box::new(error)),
        }
    }
}

/// How a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorClass {
    /// Nobody listens there.
    Refused,
    /// The connection or its handshake took too long.
    ConnectTimeout,
    /// This machine has no local port left for one more connection.
    NoLocalPort,
    /// The server answered the handshake with another status than 101.
    HttpStatus,
    /// The server's answer to the handshake breaks a rule.
    BadHandshake,
    /// The network failed.
    Network,
    /// The server ended the connection.
    Closed,
    /// The server broke the WebSocket protocol.
    Protocol,
    /// The host's name has no address.
    Name,
    /// TLS failed.
    Tls,
    /// The proxy failed.
    Proxy,
    /// The hub refused a subscription or a publication, or this is no hub.
    Hub,
    /// Answers stopped: something was lost, or the server hangs.
    Unanswered,
}

impl ErrorClass {
    /// Its name in the JSON report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::NoLocalPort => "no_local_port",
            Self::HttpStatus => "http_status",
            Self::BadHandshake => "bad_handshake",
            Self::Network => "network",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::Name => "name",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Hub => "hub",
            Self::Unanswered => "unanswered",
        }
    }

    fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::ConnectTimeout,
            io::ErrorKind::AddrNotAvailable => Self::NoLocalPort,
            _ => Self::Network,
        }
    }
}

/// One connection's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) class: ErrorClass,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(class: ErrorClass, text: impl Into<String>) -> Self {
        Self {
            class,
            text: text.into(),
        }
    }

    pub(crate) fn io(error: &io::Error) -> Self {
        Self::new(ErrorClass::of_io(error), error.to_string())
    }

    pub(crate) fn connect(error: &ConnectError) -> Self {
        use ConnectError as E;
        let class = match error {
            E::Io(error) => ErrorClass::of_io(error),
            E::Unreachable(tried) => {
                let first = tried.attempts().first();
                first.map_or(ErrorClass::Network, |(_, error)| ErrorClass::of_io(error))
            }
            E::Timeout(_) => ErrorClass::ConnectTimeout,
            E::Resolve { .. } => ErrorClass::Name,
            E::Tls(_) => ErrorClass::Tls,
            E::Proxy(_) => ErrorClass::Proxy,
            E::Refused(_) => ErrorClass::HttpStatus,
            E::Handshake(_) | E::Redirect(_) => ErrorClass::BadHandshake,
            _ => ErrorClass::Network,
        };
        Self::new(class, error.to_string())
    }

    pub(crate) fn open(error: &tidewire::Error) -> Self {
        use tidewire::Error as E;
        let class = match error {
            E::Closed(_) => ErrorClass::Closed,
            E::Protocol(_) | E::Limit(_) => ErrorClass::Protocol,
            _ => ErrorClass::Network,
        };
        Self::new(class, error.to_string())
    }
}

/// How many connections failed, by class, with one example each.
#[derive(Clone, Debug, Default)]
pub struct Failures(BTreeMap<ErrorClass, (u64, String)>);

impl Failures {
    /// Connections that failed, in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }

    /// Connections that failed in this way.
    #[must_use]
    pub fn count(&self, class: ErrorClass) -> u64 {
        self.0.get(&class).map_or(0, |(count, _)| *count)
    }

    /// Each class that occurred, how often, and the first one's text.
    pub fn iter(&self) -> impl Iterator<Item = (ErrorClass, u64, &str)> + '_ {
        self.0
            .iter()
            .map(|(class, (count, text))| (*class, *count, text.as_str()))
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        for (class, count, text) in other.iter() {
            self.add(Failure::new(class, text), count);
        }
    }

    pub(crate) fn add(&mut self, failure: Failure, count: u64) {
        if count > 0 {
            self.0.entry(failure.class).or_insert((0, failure.text)).0 += count;
        }
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (_, count, text)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}{count} × {text}")?;
        }
        Ok(())
    }
}
