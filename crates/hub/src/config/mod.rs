//! How a hub is configured: defaults, then a file, then the environment, then flags.

mod check;
mod file;
mod load;
mod mistake;
mod nearest;
mod options;
#[cfg(test)]
mod tests;
mod value;

pub use self::load::{Flags, Loaded, Sources};
pub use self::mistake::{Mistake, Mistakes, Place};
pub use crate::guard::Guard;
pub use tidewire_hub_core::{Access, Limits, Namespace, Settings, SlowConsumer, Storage};

use std::path::PathBuf;
use std::time::Duration;

/// Where a hub listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:4000";
/// Where it keeps its data unless told otherwise.
pub const DEFAULT_DATA: &str = "tidewire-data";
/// The sample of a configuration file, with every option and what it does.
pub const SAMPLE: &str = include_str!("../../config.sample.toml");

/// Everything that a hub is told when it starts.
///
/// The default has no namespaces: nobody may do anything. [`Config::development`] has those of a first
/// hour, [`Config::load`] reads a file, the environment and flags.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen, each `HOST:PORT`. Default: `127.0.0.1:4000`. Beyond loopback the hub does not
    /// start without [`allow_anonymous`](Self::allow_anonymous).
    pub listen: Vec<String>,
    /// The folder of logs and keys; it is made if it is not there. Default: `tidewire-data`.
    pub data: PathBuf,
    /// Namespaces, and the bounds of sessions. Its client key is the hub's own, from the data folder.
    pub settings: Settings,
    /// Which Hosts and Origins are let in. Default: loopback names, pages of the same host and port. It
    /// knows where the hub listens: make a new one when `listen` changes.
    pub guard: Guard,
    /// Speak TLS on every address. Default: not.
    pub tls: Option<tidewire::tls::ServerTls>,
    /// Event loops, one thread each. Default: one a core.
    pub shards: usize,
    /// How often an idle connection is asked whether it is there, give or take a fifth. Default: 25 s.
    /// Proxies cut what is silent for 60 s.
    pub ping_interval: Duration,
    /// Connections that the node takes. Default: 0, as many as its descriptors allow.
    pub max_connections: usize,
    /// Connections that one address may have. 0: no limit. Default: 0 on loopback,
    /// [`PER_ADDRESS`](Self::PER_ADDRESS) when loaded for more than that.
    pub max_connections_per_address: usize,
    /// Whoever can reach the hub may use it, as the namespaces say. Default: no.
    pub allow_anonymous: bool,
    /// Which pages are served. Default: the full ones, if they are in this binary.
    pub pages: Pages,
    /// Serve the files of this folder too, from `/` on: of a folder its `index.html`, with types, ETag and
    /// ranges; nothing whose name begins with a dot but `.well-known`, and nothing that a link leads to
    /// outside. The hub's own paths win, but `/` is the folder's if it has an `index.html`. Files are of
    /// the hub's origin: what is in the folder may do what the hub's pages may. Default: none.
    ///
    /// ```
    /// let mut config = tidewire_hub::Config::development();
    /// config.dir = Some("public".into());
    /// ```
    pub dir: Option<PathBuf>,
    /// Whether the page `/tester` may have this hub connect to other servers for it, when it was opened
    /// with the link of [`Hub::tester_link`](crate::Hub::tester_link). Only ever where every address is
    /// loopback. Default: yes.
    pub agent: bool,
    /// Whether programs of this machine may send a message to one session by its id, with
    /// `POST /sessions/{session}`. Only ever where every address is loopback. Default: yes.
    pub sessions: bool,
    /// Give every channel a new term at this start: for data that was restored from an older copy, whose
    /// positions would be given twice. Default: no.
    pub new_term: bool,
    /// There is no configuration file, and the hub listens on loopback: pages of every loopback host and
    /// port are let in.
    pub development: bool,
}

/// Which pages a hub serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pages {
    /// Landing page, tester, chat, demos, and the scripts for other sites; in a binary that was built
    /// without them, the plain ones.
    #[default]
    Full,
    /// A front page and the chat rooms, hand-written.
    Plain,
    /// None.
    Off,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![DEFAULT_LISTEN.to_owned()],
            data: PathBuf::from(DEFAULT_DATA),
            settings: Settings::default(),
            guard: Guard::default(),
            tls: None,
            shards: cores(),
            ping_interval: Duration::from_secs(25),
            max_connections: 0,
            max_connections_per_address: 0,
            allow_anonymous: false,
            pages: Pages::default(),
            dir: None,
            agent: true,
            sessions: true,
            new_term: false,
            development: false,
        }
    }
}

impl Config {
    /// [`max_connections_per_address`](Self::max_connections_per_address) of a hub that is reachable
    /// from other machines, unless it is set.
    pub const PER_ADDRESS: usize = 1000;

    /// A development server on loopback: `chat` (durable, 10,000 messages or 30 days a channel, pictures
    /// up to 256 KiB), `live` (memory, 100 messages or 5 minutes) and `prices` (memory, the newest alone for who reads
    /// slowly) for anyone, `dm` (durable) for the members of each channel.
    #[must_use]
    pub fn development() -> Self {
        let for_all = |storage, access| {
            let mut namespace = Namespace::default();
            namespace.storage = storage;
            namespace.subscribe = access;
            namespace.publish = access;
            namespace.presence = access;
            if storage == Storage::Durable {
                namespace.log.max_records = 10_000;
                namespace.log.max_age = 30 * 24 * 3600 * 1000;
            } else {
                // A page that sends where its mouse is, frame by frame, stays below.
                namespace.rate = 200;
                namespace.burst = 400;
            }
            namespace
        };
        let mut chat = for_all(Storage::Durable, Access::Anyone);
        chat.max_message = 256 * 1024;
        let mut prices = for_all(Storage::Memory, Access::Anyone);
        prices.log.max_records = 10;
        prices.slow_consumer = SlowConsumer::KeepLatest;
        let mut config = Self {
            development: true,
            ..Self::default()
        };
        config.guard = Guard::new(&config.listen, Vec::new(), Vec::new(), true);
        config.settings.namespaces.extend([
            ("chat".into(), chat),
            ("dm".into(), for_all(Storage::Durable, Access::Members)),
            ("live".into(), for_all(Storage::Memory, Access::Anyone)),
            ("prices".into(), prices),
        ]);
        config
    }

    /// Every option of the node with its value, as a file has it.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        options::NODE
            .iter()
            .filter_map(|option| Some((option.name, (option.show)(self)?)))
            .collect()
    }
}

/// Every option of a namespace with its value, as a file has it.
#[must_use]
pub fn describe_namespace(namespace: &Namespace) -> Vec<(&'static str, String)> {
    options::NAMESPACE
        .iter()
        .filter_map(|option| Some((option.name, (option.show)(namespace)?)))
        .collect()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
