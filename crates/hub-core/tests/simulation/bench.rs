//! One shard and the memory engine, step by step: for tests that choose what happens.

use crate::net::{Conn, Net, Role, Said};
use std::collections::VecDeque;
use std::sync::Arc;
use tidewire_hub_core::memory::MemoryEngine;
use tidewire_hub_core::{
    Access, Budget, Connect, Done, Limits, Millis, Namespace, Settings, Shard, ShardId,
    SlowConsumer, ToShard, TransportKind,
};
use tidewire_hub_proto::{
    Channel, Command, CommandId, Lag, Payload, Pos, Push, Reply, Request, Term,
};

/// The shard under test.
pub(crate) const SHARD: ShardId = ShardId(0);

/// One shard and the memory engine.
pub(crate) struct Bench {
    pub(crate) now: Millis,
    pub(crate) shard: Shard<Net>,
    pub(crate) net: Net,
    pub(crate) engine: MemoryEngine,
    /// What the engine has told and the shard has not heard.
    pub(crate) mail: VecDeque<ToShard>,
    next: u64,
}

/// A channel whose namespace treats slow readers so: `leave`, `lag`, `oldest` or `latest`.
pub(crate) fn channel(name: &str) -> Channel {
    Channel::parse(name).unwrap()
}

impl Bench {
    /// A shard with these limits.
    pub(crate) fn new(set: impl FnOnce(&mut Limits)) -> Self {
        let mut settings = Settings::default();
        set(&mut settings.limits);
        for (name, policy) in [
            ("leave", SlowConsumer::Disconnect),
            ("lag", SlowConsumer::Lag),
            ("oldest", SlowConsumer::DropOldest),
            ("latest", SlowConsumer::KeepLatest),
        ] {
            let mut namespace = Namespace::default();
            namespace.log.max_records = 100_000;
            namespace.log.grace = 0;
            namespace.subscribe = Access::Anyone;
            namespace.publish = Access::Anyone;
            namespace.presence = Access::Anyone;
            namespace.rate = 1_000_000;
            namespace.burst = 1_000_000;
            namespace.slow_consumer = policy;
            settings.namespaces.insert(name.into(), namespace);
        }
        let options = settings.namespaces.iter();
        let options = options.map(|(name, one)| (name.clone(), one.log)).collect();
        Self {
            now: Millis(1_000_000),
            shard: Shard::new(Arc::new(settings)),
            net: Net::default(),
            engine: MemoryEngine::new(Term(7), options),
            mail: VecDeque::new(),
            next: 0,
        }
    }

    /// A session whose socket takes `room` bytes.
    pub(crate) fn join(&mut self, room: usize) -> u64 {
        self.next += 1;
        let number = self.next;
        let name = format!("s{number}");
        let transport = TransportKind::WebSocket;
        let conn = Conn::new(0, Role::Main, &name, transport, room);
        self.net.conns.insert(number, conn);
        self.net.opening = Some(number);
        let mut seed = [0; 12];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let connect = Connect {
            session: name.into(),
            seed,
            client: None,
            name: None,
            transport,
            hello: false,
            lease: None,
        };
        let session = self.shard.connect(self.now, connect, &mut self.net);
        self.net.bind(number, session);
        number
    }

    /// The session's transport ends.
    pub(crate) fn drop_out(&mut self, number: u64) {
        let session = self.net.conns[&number].session.unwrap();
        self.shard.disconnect(self.now, session, &mut self.net);
        self.net.unbind(session);
        self.net.conns.remove(&number);
        self.take_effects();
    }

    /// A command; what the engine says to it waits in the mail. Whether more may follow.
    pub(crate) fn ask(&mut self, number: u64, command: Command) -> bool {
        let conn = self.net.conns.get_mut(&number).unwrap();
        conn.unanswered += 1;
        let session = conn.session.unwrap();
        self.next += 1;
        let id = Some(CommandId::from(self.next));
        let request = Request { id, command };
        self.shard
            .request(self.now, session, request, &mut self.net);
        self.take_effects();
        !self.shard.is_full(session)
    }

    /// Subscribes, and hears what follows.
    pub(crate) fn subscribe(&mut self, number: u64, name: &str, since: Option<Pos>) -> Vec<Said> {
        self.ask(number, subscribe(name, since));
        self.settle();
        self.hear(number)
    }

    /// Publishes numbers.
    pub(crate) fn publish(
        &mut self,
        number: u64,
        name: &str,
        texts: impl IntoIterator<Item = usize>,
    ) {
        for text in texts {
            self.ask(number, publish(name, text));
            self.settle();
            self.hear(number);
        }
    }

    /// Gives effects to the engine.
    pub(crate) fn take_effects(&mut self) {
        for (ticket, effect) in std::mem::take(&mut self.net.effects) {
            let mail = &mut self.mail;
            let mut out = |_, message| mail.push_back(message);
            self.engine
                .submit(self.now, SHARD, ticket, effect, &mut out);
        }
    }

    /// Gives one message to the shard.
    pub(crate) fn give(&mut self, message: ToShard) {
        match message {
            ToShard::Done(ticket, done) => {
                self.shard.complete(self.now, ticket, done, &mut self.net);
            }
            ToShard::Notice(notice) => self.shard.notice(self.now, notice, &mut self.net),
        }
        self.take_effects();
    }

    /// One turn; whether there is more to do.
    pub(crate) fn turn(&mut self, visits: usize) -> bool {
        let more = self.shard.turn(self.now, Budget { visits }, &mut self.net);
        self.take_effects();
        more
    }

    /// Goes on until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        loop {
            while let Some(message) = self.mail.pop_front() {
                self.give(message);
            }
            if !self.turn(512) && self.mail.is_empty() {
                return;
            }
        }
    }

    /// Goes on until nothing is left to do but with messages that are so.
    pub(crate) fn settle_but(&mut self, is: impl Fn(&ToShard) -> bool) {
        while let Some(at) = self.mail.iter().position(|message| !is(message)) {
            if let Some(message) = self.mail.remove(at) {
                self.give(message);
            }
        }
        while self.turn(512) {}
    }

    /// Some time passes.
    pub(crate) fn wait(&mut self, millis: u64) {
        self.now = self.now.plus(millis);
        self.shard.tick(self.now, &mut self.net);
        self.take_effects();
        let mail = &mut self.mail;
        self.engine
            .tick(self.now, &mut |_, message| mail.push_back(message));
        self.settle();
    }

    /// Reads until nothing more comes.
    pub(crate) fn hear(&mut self, number: u64) -> Vec<Said> {
        let mut heard = Vec::new();
        while let Some(conn) = self.net.conns.get_mut(&number) {
            let before = heard.len();
            heard.extend(std::iter::from_fn(|| conn.read()));
            if conn.blocked && conn.write() {
                conn.blocked = conn.queued > 0;
                let queued = conn.queued;
                if let Some(session) = conn.session {
                    self.shard.drained(self.now, session, queued, &mut self.net);
                    self.take_effects();
                    self.settle();
                }
            } else if heard.len() == before {
                break;
            }
        }
        heard
    }

    /// Takes the first message out of the mail that is so.
    pub(crate) fn withhold(&mut self, is: impl Fn(&ToShard) -> bool) -> ToShard {
        let at = self.mail.iter().position(is).unwrap();
        self.mail.remove(at).unwrap()
    }

    /// Sessions, subscriptions and channels, after a while.
    pub(crate) fn left(&mut self) -> (u64, u64, u64) {
        self.settle();
        self.wait(20_000);
        let counters = self.shard.counters();
        (counters.sessions, counters.subscriptions, counters.channels)
    }
}

pub(crate) fn subscribe(name: &str, since: Option<Pos>) -> Command {
    Command::Subscribe {
        channel: channel(name),
        since,
        history: 0,
        presence: false,
    }
}

pub(crate) fn unsubscribe(name: &str) -> Command {
    Command::Unsubscribe {
        channel: channel(name),
    }
}

pub(crate) fn publish(name: &str, text: usize) -> Command {
    Command::Publish {
        channel: channel(name),
        payload: Payload::text(format!("{text:060}")),
        key: None,
        keep: true,
        echo: None,
    }
}

/// The numbers that were heard.
pub(crate) fn numbers(heard: &[Said]) -> Vec<usize> {
    let texts = heard.iter().filter_map(|said| match said {
        Said::Message { publication, .. } => publication.payload.as_ref()?.as_str(),
        Said::Push(_) => None,
    });
    texts.map(|text| text.parse().unwrap()).collect()
}

/// The last position that was heard of, whoever told it.
pub(crate) fn position(heard: &[Said]) -> Option<Pos> {
    heard.iter().rev().find_map(|said| match said {
        Said::Message { publication, .. } => publication.pos,
        Said::Push(Push::Live { pos, .. }) => Some(*pos),
        Said::Push(Push::Reply {
            reply: Reply::Subscribed { pos, .. },
            ..
        }) => Some(*pos),
        Said::Push(_) => None,
    })
}

/// How a subscribe was answered: `recovered`.
pub(crate) fn recovered(heard: &[Said]) -> Vec<Option<bool>> {
    let answers = heard.iter().filter_map(|said| match said {
        Said::Push(Push::Reply {
            reply: Reply::Subscribed { recovered, .. },
            ..
        }) => Some(*recovered),
        _ => None,
    });
    answers.collect()
}

/// The lags that were told.
pub(crate) fn lags(heard: &[Said]) -> Vec<&Lag> {
    let lags = heard.iter().filter_map(|said| match said {
        Said::Push(Push::Lag { lag, .. }) => Some(lag),
        _ => None,
    });
    lags.collect()
}

/// Whether it is the end of a watch.
pub(crate) fn is_watched(message: &ToShard) -> bool {
    matches!(message, ToShard::Done(_, Done::Watched(_)))
}

/// Whether it is a page of records.
pub(crate) fn is_page(message: &ToShard) -> bool {
    matches!(message, ToShard::Done(_, Done::Page(_)))
}
