//! Commands that are no subscriptions and read no page: publish, auth, ping; and which command is whose.

use super::feed::Wish;
use super::session::may;
use super::table::Key;
use super::work::{Pending, RETRY_CLIENT};
use super::{Shard, TransportKind};
use crate::Millis;
use crate::contract::{Appended, Done, Effect, Fault, IdempotencyKey, publisher};
use crate::host::Host;
use crate::settings::Namespace;
use std::rc::Rc;
use tidewire_hub_proto::{
    Channel, Command, CommandId, ErrorCode, Exclude, Payload, Publication, Reply, Request,
};

/// A publish as it was asked for.
struct Publish {
    channel: Channel,
    payload: Payload,
    key: Option<Box<str>>,
    keep: bool,
    echo: Option<bool>,
}

impl<H: Host> Shard<H> {
    pub(super) fn command(&mut self, now: Millis, session: Key, request: Request, host: &mut H) {
        let Request { id, command } = request;
        let limits = &self.settings.limits;
        let Some(known) = self.sessions.get(session) else {
            return;
        };
        // A batch is taken whole; beyond that, whoever does not wait is told to.
        if known.in_flight >= 2 * limits.in_flight {
            let message = "too many commands are under way; wait for their answers";
            self.answer(
                session,
                id,
                retry_later(ErrorCode::Overloaded, message),
                host,
            );
            return;
        }
        match command {
            Command::Subscribe {
                channel,
                since,
                history,
                presence,
            } => {
                if known.transport == TransportKind::Uplink {
                    self.not_here(session, id, "subscribe", host);
                    return;
                }
                let history = if since.is_some() { 0 } else { history };
                self.subscribe(
                    now,
                    session,
                    channel,
                    Wish { id, since, history },
                    presence,
                    host,
                );
            }
            Command::Unsubscribe { channel } => self.unsubscribe(now, session, id, channel, host),
            Command::Publish {
                channel,
                payload,
                key,
                keep,
                echo,
            } => {
                let publish = Publish {
                    channel,
                    payload,
                    key,
                    keep,
                    echo,
                };
                self.publish(now, session, id, publish, host);
            }
            Command::Presence {
                channel,
                after,
                limit,
            } => {
                self.presence(session, id, channel, after, limit, host);
            }
            Command::History {
                channel,
                page,
                limit,
            } => self.history(session, id, channel, page, limit, host),
            Command::Auth { client, name, .. } => self.auth(now, session, id, client, name, host),
            Command::Ping => self.answer(session, id, Reply::Pong, host),
            _ => self.not_here(session, id, "that", host),
        }
    }

    fn not_here(&mut self, session: Key, id: Option<CommandId>, what: &str, host: &mut H) {
        let message = format!("{what} needs a transport that lasts: use /ws, /sse or /poll");
        self.answer(session, id, Reply::error(ErrorCode::NotHere, message), host);
    }

    /// The options of a channel's namespace; if there are none, the command is answered.
    pub(super) fn namespace(
        &mut self,
        session: Key,
        id: &Option<CommandId>,
        channel: &Channel,
        host: &mut H,
    ) -> Option<Rc<Namespace>> {
        let namespace = self.namespaces.get(channel.namespace()).cloned();
        if namespace.is_none() {
            let message = format!("there is no namespace {:?}", channel.namespace());
            let reply = Reply::error(ErrorCode::UnknownNamespace, message);
            self.answer(session, id.clone(), reply, host);
        }
        namespace
    }

    pub(super) fn begin(&mut self, session: Key, weight: usize) {
        if let Some(known) = self.sessions.get_mut(session) {
            known.in_flight += weight;
        }
    }

    fn publish(
        &mut self,
        now: Millis,
        session: Key,
        id: Option<CommandId>,
        publish: Publish,
        host: &mut H,
    ) {
        let Publish {
            channel,
            payload,
            key,
            keep,
            echo,
        } = publish;
        let Some(namespace) = self.namespace(session, &id, &channel, host) else {
            return;
        };
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        let size = payload.bytes().len();
        let refusal = if !may(namespace.publish, &known.origin, &channel) {
            let message = format!("this session may not publish to {channel}");
            Some(Reply::error(ErrorCode::Forbidden, message))
        } else if size > namespace.max_message {
            let most = namespace.max_message;
            let message = format!(
                "the payload has {size} bytes; {} takes {most}",
                channel.namespace()
            );
            Some(Reply::error(ErrorCode::TooLarge, message))
        } else if key.is_some() && !keep {
            let message = "a key needs a record that is kept: leave out `key` or `keep`";
            Some(Reply::error(ErrorCode::BadRequest, message))
        } else if let Err(wait) = known.take_rate(channel.namespace(), &namespace, now) {
            let message = format!(
                "{} takes {} publishes a second",
                channel.namespace(),
                namespace.rate
            );
            let code = ErrorCode::RateLimited;
            Some(Reply::Error {
                code,
                message: message.into(),
                retry_after_ms: Some(wait),
            })
        } else {
            None
        };
        if let Some(reply) = refusal {
            self.answer(session, id, reply, host);
            return;
        }
        let mut publication = Publication::new(known.origin.clone(), payload);
        if !echo.unwrap_or(namespace.echo) {
            publication.exclude = Some(match known.transport {
                TransportKind::WebSocket | TransportKind::Sse => {
                    Exclude::Session(known.name.clone())
                }
                TransportKind::Poll | TransportKind::Uplink => Exclude::Publisher,
            });
        }
        self.begin(session, 1);
        let effect = if keep {
            let key = key.inspect(|key| publication.key = Some(key.clone()));
            let key = key.zip(publisher(&publication.from));
            let key = key.map(|(key, publisher)| IdempotencyKey { publisher, key });
            Effect::Append {
                channel: channel.clone(),
                publication,
                key,
            }
        } else {
            Effect::Relay {
                channel: channel.clone(),
                publication,
            }
        };
        self.submit(
            Pending::Publish {
                session,
                id,
                channel,
            },
            effect,
            host,
        );
    }

    pub(super) fn published(
        &mut self,
        session: Key,
        id: Option<CommandId>,
        channel: Channel,
        done: Done,
        host: &mut H,
    ) {
        let result = match done {
            Done::Appended(result) => result.map(|Appended { pos, .. }| Some(pos)),
            Done::Relayed(result) => result.map(|()| None),
            _ => Err(wrong_answer()),
        };
        let reply = match result {
            Ok(pos) => {
                self.counters.published += 1;
                Reply::Published { channel, pos }
            }
            Err(fault) => failure(&fault),
        };
        self.answer_pending(session, id, 1, reply, host);
    }

    fn auth(
        &mut self,
        now: Millis,
        session: Key,
        id: Option<CommandId>,
        client: Option<Box<str>>,
        name: Option<Box<str>>,
        host: &mut H,
    ) {
        let signing = &self.settings.client_key;
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        // Everybody who sees who is present hears of it.
        if let Err(wait) = known.take_move(&self.settings.limits, now) {
            self.answer(session, id, too_many_moves(wait), host);
            return;
        }
        let before = known.origin.clone();
        if let Some(token) = &client {
            match signing.verify(token) {
                Some(client) => known.origin.client = Some(client),
                None => {
                    let message = "this client id was not given by this hub; leave it out, and `hello` gives a new one";
                    self.answer(
                        session,
                        id,
                        Reply::error(ErrorCode::BadClient, message),
                        host,
                    );
                    return;
                }
            }
        }
        if name.is_some() {
            known.origin.name = name;
        }
        let origin = known.origin.clone();
        let client = origin.client.as_deref().map(|client| signing.token(client));
        // Until it is shown, a new name is a command under way in each channel.
        let subs = known.subs.iter().filter(|_| origin != before);
        let present: Vec<Key> = subs.map(|sub| sub.feed).collect();
        for feed in present {
            self.enter(feed, session, 1, host);
        }
        let reply = Reply::Authenticated {
            client: client.unwrap_or_default(),
            origin,
        };
        self.answer(session, id, reply, host);
    }
}

/// The answer to a session that subscribes, or becomes somebody else, again and again.
pub(super) fn too_many_moves(wait: u64) -> Reply {
    Reply::Error {
        code: ErrorCode::RateLimited,
        message: "this session subscribes, or sends `auth`, too often".into(),
        retry_after_ms: Some(wait),
    }
}

fn retry_later(code: ErrorCode, message: &str) -> Reply {
    Reply::Error {
        code,
        message: message.into(),
        retry_after_ms: Some(RETRY_CLIENT),
    }
}

/// What a client is told of an engine's failure.
pub(super) fn failure(fault: &Fault) -> Reply {
    match fault {
        Fault::Gone(head) => {
            let message = format!("the position is no longer in the history; the newest is {head}");
            Reply::error(ErrorCode::Gone, message)
        }
        Fault::Full => retry_later(
            ErrorCode::StorageFull,
            "the hub's disk is full; nothing was kept",
        ),
        Fault::Overloaded => retry_later(
            ErrorCode::Overloaded,
            "the hub has more to keep than it can hold; nothing was kept",
        ),
        Fault::Unavailable(_) => retry_later(
            ErrorCode::Unavailable,
            "the hub's store failed, and it is not known whether this was kept: repeat it with the same `key`",
        ),
    }
}

/// An engine that breaks its contract.
pub(super) fn wrong_answer() -> Fault {
    Fault::Unavailable("the engine answered another question".into())
}
