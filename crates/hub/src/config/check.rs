//! What is wrong with a configuration although each of its values is right.

use super::options::NAMESPACE;
use super::value::{Value, quoted, show_size};
use super::{Config, DEFAULT_LISTEN};
use crate::guard::is_loopback;
use tidewire_hub_core::{Access, Namespace};
use tidewire_hub_proto::{Channel, channel::MAX_NAMESPACE};

/// Longest time that a leave may be held back: an hour, in milliseconds.
const MAX_GRACE: u64 = 3_600_000;
/// Longest time between pings, in milliseconds: what is silent for longer is cut on its way.
const MAX_PING: u64 = 3_600_000;

impl Config {
    /// What is wrong with it: the option, as `namespaces.chat.rate`, and a sentence that says what to do.
    /// A hub does not start while there is something. What [`Config::load`] gives has nothing.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut say = |option: &str, reason: String| found.push((option.to_owned(), reason));
        if self.listen.is_empty() {
            say(
                "listen",
                format!("there is no address: write for example [\"{DEFAULT_LISTEN}\"]"),
            );
        }
        let open = self.listen.iter().find(|address| !is_loopback(address));
        if let Some(address) = open.filter(|_| !self.allow_anonymous) {
            say(
                "listen",
                format!(
                    "{address} is reachable from other machines, and nobody has to say who they are: \
                     listen on {DEFAULT_LISTEN}, or set allow_anonymous = true (--allow-anonymous) if \
                     everybody who can reach it may use it"
                ),
            );
        }
        if self.data.as_os_str().is_empty() {
            say("data", "the path is empty".to_owned());
        }
        if self.shards == 0 {
            say("shards", "a hub has at least one shard".to_owned());
        }
        let ping = super::millis(self.ping_interval);
        if !(1000..=MAX_PING).contains(&ping) {
            say("ping_interval", "it is from \"1s\" to \"1h\"".to_owned());
        }
        let limits = &self.settings.limits;
        for (option, value) in [
            ("limits.outbox", limits.outbox),
            ("limits.subscriptions", limits.subscriptions),
            ("limits.in_flight", limits.in_flight),
            ("limits.page_bytes", limits.page_bytes),
            ("limits.page_records", limits.page_records),
        ] {
            if value == 0 {
                say(
                    option,
                    "with 0 nothing could go on: write at least 1".to_owned(),
                );
            }
        }
        for (name, namespace) in &self.settings.namespaces {
            let at = |option: &str| format!("namespaces.{name}.{option}");
            if let Some(reason) = wrong_name(name) {
                say(&format!("namespaces.{name}"), reason);
            }
            for (option, reason) in of_namespace(namespace, limits.outbox) {
                say(&at(option), reason);
            }
        }
        found
    }
}

/// What is wrong with the name of a namespace.
pub(super) fn wrong_name(name: &str) -> Option<String> {
    let fits =
        Channel::parse(&format!("{name}:x")).is_ok_and(|channel| channel.namespace() == name);
    (!fits).then(|| {
        format!(
            "{} cannot be a namespace: 1 to {MAX_NAMESPACE} characters of a-z, 0-9, _ and -",
            quoted(name)
        )
    })
}

fn of_namespace(namespace: &Namespace, outbox: usize) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    // A program may have set what the reader of a file refuses.
    for option in NAMESPACE {
        let shown = (option.show)(namespace).unwrap_or_default();
        let bare = Value::Bare(shown.trim_matches('"'));
        if let Err(reason) = (option.set)(&mut Namespace::default(), &bare) {
            found.push((option.name, reason));
        }
    }
    // In JSON, binary payloads grow by a third, and there is an envelope.
    if namespace.max_message.saturating_mul(2) > outbox {
        found.push((
            "max_message",
            format!(
                "a message of {} can take twice that on its way, which does not fit limits.outbox, {}: \
                 lower the one or raise the other",
                show_size(namespace.max_message as u64),
                show_size(outbox as u64)
            ),
        ));
    }
    if namespace.log.grace > MAX_GRACE {
        found.push((
            "presence_grace",
            "whoever leaves would be shown for more than an hour: write at most \"1h\"".to_owned(),
        ));
    }
    if namespace.presence != Access::Nobody && namespace.subscribe == Access::Nobody {
        found.push((
            "presence",
            "nobody may subscribe, so nobody is ever present: write \"nobody\", or let somebody \
             subscribe"
                .to_owned(),
        ));
    }
    found
}
