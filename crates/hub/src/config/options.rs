//! Every option by its name: how it is read, and how its value is shown. The sample, the environment
//! names and the suggestions follow from these lists.

use super::value::{Value, show_duration, show_size};
use super::{Config, Pages};
use crate::guard::{HostRule, OriginRule, listen_address};
use std::path::PathBuf;
use std::time::Duration;
use tidewire_hub_core::{Access, Namespace, SlowConsumer, Storage};

/// A configuration that is being put together.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) config: Config,
    pub(super) hosts: Vec<HostRule>,
    pub(super) origins: Vec<OriginRule>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// The folder that relative paths of the source start from.
    pub(super) base: PathBuf,
}

/// One option of `T`.
pub(super) struct Opt<T, S> {
    /// With the table before it: `limits.outbox`.
    pub(super) name: &'static str,
    /// Reads a value.
    pub(super) set: fn(&mut T, &Value<'_>) -> Result<(), String>,
    /// The value as a file has it; `None`: it is not kept, or not set.
    pub(super) show: fn(&S) -> Option<String>,
}

/// More of anything that is counted was meant otherwise.
const MANY: u64 = 1_000_000_000;

const ACCESS: &[(&str, Access)] = &[
    ("nobody", Access::Nobody),
    ("anyone", Access::Anyone),
    ("members", Access::Members),
];
const STORAGE: &[(&str, Storage)] = &[("durable", Storage::Durable), ("memory", Storage::Memory)];
const PAGES: &[(&str, Pages)] = &[
    ("full", Pages::Full),
    ("plain", Pages::Plain),
    ("off", Pages::Off),
];
const SLOW: &[(&str, SlowConsumer)] = &[
    ("disconnect", SlowConsumer::Disconnect),
    ("drop-oldest", SlowConsumer::DropOldest),
    ("keep-latest", SlowConsumer::KeepLatest),
    ("lag", SlowConsumer::Lag),
];

fn count(value: &Value<'_>, least: u64) -> Result<usize, String> {
    let number = value.count(least, MANY)?;
    usize::try_from(number).map_err(|_| format!("{number} is too much for this machine"))
}

fn word<T: PartialEq>(words: &[(&str, T)], value: &T) -> Option<String> {
    let word = words.iter().find(|(_, meaning)| meaning == value);
    word.map(|(word, _)| format!("\"{word}\""))
}

fn list<T: ToString>(items: &[T]) -> Option<String> {
    let items: Vec<String> = items
        .iter()
        .map(|item| format!("{:?}", item.to_string()))
        .collect();
    Some(format!("[{}]", items.join(", ")))
}

fn rules<T: std::str::FromStr<Err: ToString>>(value: &Value<'_>) -> Result<Vec<T>, String> {
    let texts = value.list()?;
    let rules = texts.iter().map(|text| text.parse());
    rules
        .map(|rule| rule.map_err(|error: T::Err| error.to_string()))
        .collect()
}

fn path(draft: &Draft, value: &Value<'_>) -> Result<PathBuf, String> {
    match value.string()? {
        "" => Err("the path is empty".to_owned()),
        text => Ok(draft.base.join(text)),
    }
}

macro_rules! limit {
    ($name:literal, $field:ident, size $least:expr) => {
        Opt {
            name: $name,
            set: |d, v| {
                d.config.settings.limits.$field = v.size($least)?;
                Ok(())
            },
            show: |c| Some(show_size(c.settings.limits.$field as u64)),
        }
    };
    ($name:literal, $field:ident, count $least:expr) => {
        Opt {
            name: $name,
            set: |d, v| {
                d.config.settings.limits.$field = count(v, $least)?;
                Ok(())
            },
            show: |c| Some(c.settings.limits.$field.to_string()),
        }
    };
}

/// The options of a node.
pub(super) const NODE: &[Opt<Draft, Config>] = &[
    Opt {
        name: "listen",
        set: |d, v| {
            let listen: Result<Vec<_>, _> = v.list()?.iter().map(|a| listen_address(a)).collect();
            d.config.listen = listen?;
            Ok(())
        },
        show: |c| list(&c.listen),
    },
    Opt {
        name: "data",
        set: |d, v| {
            d.config.data = path(d, v)?;
            Ok(())
        },
        show: |c| Some(format!("{:?}", c.data.display().to_string())),
    },
    Opt {
        name: "hosts",
        set: |d, v| {
            d.hosts = rules(v)?;
            Ok(())
        },
        show: |c| list(c.guard.hosts()),
    },
    Opt {
        name: "origins",
        set: |d, v| {
            d.origins = rules(v)?;
            Ok(())
        },
        show: |c| list(c.guard.origins()),
    },
    Opt {
        name: "allow_anonymous",
        set: |d, v| {
            d.config.allow_anonymous = v.boolean()?;
            Ok(())
        },
        show: |c| Some(c.allow_anonymous.to_string()),
    },
    Opt {
        name: "agent",
        set: |d, v| {
            d.config.agent = v.boolean()?;
            Ok(())
        },
        show: |c| Some(c.agent.to_string()),
    },
    Opt {
        name: "sessions",
        set: |d, v| {
            d.config.sessions = v.boolean()?;
            Ok(())
        },
        show: |c| Some(c.sessions.to_string()),
    },
    Opt {
        name: "shards",
        set: |d, v| {
            let shards = v.count(0, 1024)?;
            d.config.shards = match usize::try_from(shards) {
                Ok(0) | Err(_) => super::cores(),
                Ok(shards) => shards,
            };
            Ok(())
        },
        show: |c| Some(c.shards.to_string()), // what 0 came to
    },
    Opt {
        name: "ping_interval",
        set: |d, v| {
            d.config.ping_interval = Duration::from_millis(v.duration(1000)?);
            Ok(())
        },
        show: |c| Some(show_duration(super::millis(c.ping_interval))),
    },
    Opt {
        name: "max_connections",
        set: |d, v| {
            d.config.max_connections = count(v, 0)?;
            Ok(())
        },
        show: |c| Some(c.max_connections.to_string()),
    },
    Opt {
        name: "max_connections_per_address",
        set: |d, v| {
            d.config.max_connections_per_address = count(v, 0)?;
            Ok(())
        },
        show: |c| Some(c.max_connections_per_address.to_string()),
    },
    Opt {
        name: "pages",
        set: |d, v| {
            d.config.pages = v.word(PAGES)?;
            Ok(())
        },
        show: |c| word(PAGES, &c.pages),
    },
    Opt {
        name: "dir",
        set: |d, v| {
            d.config.dir = Some(path(d, v)?);
            Ok(())
        },
        show: |c| Some(format!("{:?}", c.dir.as_ref()?.display().to_string())),
    },
    limit!("limits.outbox", outbox, size 4096),
    limit!("limits.subscriptions", subscriptions, count 1),
    limit!("limits.in_flight", in_flight, count 1),
    Opt {
        name: "limits.bad_commands",
        set: |d, v| {
            d.config.settings.limits.bad_commands = number(v, 0)?;
            Ok(())
        },
        show: |c| Some(c.settings.limits.bad_commands.to_string()),
    },
    limit!("limits.page_bytes", page_bytes, size 1024),
    limit!("limits.page_records", page_records, count 1),
    limit!("limits.recent_bytes", recent_bytes, size 0),
    Opt {
        name: "tls.cert",
        set: |d, v| {
            d.cert = Some(path(d, v)?);
            Ok(())
        },
        show: |_| None,
    },
    Opt {
        name: "tls.key",
        set: |d, v| {
            d.key = Some(path(d, v)?);
            Ok(())
        },
        show: |_| None,
    },
];

fn number(value: &Value<'_>, least: u64) -> Result<u32, String> {
    let number = value.count(least, MANY)?;
    u32::try_from(number).map_err(|_| format!("{number} is too much"))
}

macro_rules! access {
    ($name:literal, $field:ident, $words:expr) => {
        Opt {
            name: $name,
            set: |n, v| {
                n.$field = v.word($words)?;
                Ok(())
            },
            show: |n| word($words, &n.$field),
        }
    };
}

macro_rules! time {
    ($name:literal, $field:ident, $least:expr) => {
        Opt {
            name: $name,
            set: |n, v| {
                n.log.$field = v.duration($least)?;
                Ok(())
            },
            show: |n| Some(show_duration(n.log.$field)),
        }
    };
}

macro_rules! rate {
    ($name:literal, $field:ident) => {
        Opt {
            name: $name,
            set: |n, v| {
                n.$field = number(v, 1)?;
                Ok(())
            },
            show: |n| Some(n.$field.to_string()),
        }
    };
}

/// The options of a namespace.
pub(super) const NAMESPACE: &[Opt<Namespace, Namespace>] = &[
    access!("storage", storage, STORAGE),
    Opt {
        name: "history_size",
        set: |n, v| {
            n.log.max_records = count(v, 1)?;
            Ok(())
        },
        show: |n| Some(n.log.max_records.to_string()),
    },
    time!("history_age", max_age, 1000),
    access!("subscribe", subscribe, ACCESS),
    access!("publish", publish, ACCESS),
    access!("presence", presence, ACCESS),
    time!("presence_grace", grace, 0),
    Opt {
        name: "max_message",
        set: |n, v| {
            n.max_message = v.size(1)?;
            Ok(())
        },
        show: |n| Some(show_size(n.max_message as u64)),
    },
    rate!("rate", rate),
    rate!("burst", burst),
    access!("slow_consumer", slow_consumer, SLOW),
    Opt {
        name: "echo",
        set: |n, v| {
            n.echo = v.boolean()?;
            Ok(())
        },
        show: |n| Some(n.echo.to_string()),
    },
    time!("key_age", key_age, 1000),
];
