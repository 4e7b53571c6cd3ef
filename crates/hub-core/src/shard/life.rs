//! How sessions begin and end, and whether they may say more.

use super::session::{self, Session};
use super::{Connect, Shard};
use crate::Millis;
use crate::host::{Host, SessionId};
use tidewire_hub_proto::{CloseReason, CommandId, ErrorCode, Origin, Push, Reply};

impl<H: Host> Shard<H> {
    /// A session begins.
    pub fn connect(&mut self, _now: Millis, connect: Connect, host: &mut H) -> SessionId {
        let Connect {
            session: name,
            seed,
            client,
            name: guest,
            transport,
            hello,
            lease,
        } = connect;
        let key = &self.settings.client_key;
        let known = client.as_deref().and_then(|token| key.verify(token));
        let client = known.unwrap_or_else(|| key.issue(seed).id);
        let token = hello.then(|| key.token(&client));
        let origin = Origin {
            user: None,
            client: Some(client),
            name: guest,
        };
        let session = self.sessions.insert(Session {
            name: name.clone(),
            origin,
            transport,
            lease,
            subs: Vec::new(),
            queued: 0,
            in_flight: 0,
            bad: 0,
            held: false,
            dirty: false,
            reading: false,
            in_line: false,
            waiting: false,
            rates: Vec::new(),
            moves: session::Rate::default(),
        });
        self.counters.sessions += 1;
        if let Some(count) = self.counters.of(transport) {
            *count += 1;
        }
        self.counters.connected += 1;
        if let Some(client) = token {
            let hello = Push::Hello {
                session: name,
                client,
            };
            self.push(session, hello, host);
        }
        session::id(session)
    }

    /// What the session sent is no command: answers, and closes who sends too many of them.
    pub fn refuse(
        &mut self,
        now: Millis,
        session: SessionId,
        id: Option<CommandId>,
        code: ErrorCode,
        message: &str,
        host: &mut H,
    ) {
        let key = session::key(session);
        self.answer(key, id, Reply::error(code, message), host);
        let Some(known) = self.sessions.get_mut(key) else {
            return;
        };
        known.bad += 1;
        if known.bad > self.settings.limits.bad_commands {
            self.bye(now, session, CloseReason::BadProtocol, None, host);
        }
    }

    /// Whether the session's next commands should wait; [`Host::resume`] says when they need not any more.
    pub fn is_full(&mut self, session: SessionId) -> bool {
        let Some(known) = self.sessions.get_mut(session::key(session)) else {
            return false;
        };
        known.held = known.is_full(&self.settings.limits);
        known.held
    }

    /// The session's transport has ended.
    pub fn disconnect(&mut self, now: Millis, session: SessionId, host: &mut H) {
        // Out of the table first: it is owed no more answers.
        let Some(known) = self.sessions.remove(session::key(session)) else {
            return;
        };
        self.counters.sessions -= 1;
        if let Some(count) = self.counters.of(known.transport) {
            *count -= 1;
        }
        for sub in known.subs {
            self.detach(now, sub, &known.name, known.lease, host);
        }
    }

    /// More of the session's outbox was written; `queued` bytes wait now.
    pub fn drained(&mut self, now: Millis, session: SessionId, queued: usize, host: &mut H) {
        let key = session::key(session);
        let Some(known) = self.sessions.get_mut(key) else {
            return;
        };
        known.queued = queued;
        self.release(key, host);
        self.progress(now, key, host);
    }

    /// Says `bye` and ends the session.
    pub fn bye(
        &mut self,
        now: Millis,
        session: SessionId,
        reason: CloseReason,
        retry_after_ms: Option<u64>,
        host: &mut H,
    ) {
        let key = session::key(session);
        if self.sessions.get(key).is_none() {
            return;
        }
        self.push(
            key,
            Push::Bye {
                reason,
                retry_after_ms,
            },
            host,
        );
        self.disconnect(now, session, host);
        host.close(session, reason);
    }
}
