//! What a test asks of an engine, one verb each.

use super::{Asked, Driver};
use crate::engines::words::{ALL, publication};
use tidewire_hub_core::contract::{
    Appended, Done, Effect, Fault, IdempotencyKey, Page, PageLimit, PresencePage,
};
use tidewire_hub_proto::{Channel, Member, Pos, Publication};

impl Driver {
    /// Submits a record and does not wait.
    pub fn publish(&mut self, shard: usize, channel: &Channel, text: &str) -> Asked {
        let effect = Effect::Append {
            channel: channel.clone(),
            publication: publication(text),
            key: None,
        };
        self.submit(shard, effect)
    }

    /// Keeps a record of this text.
    pub fn append(&mut self, channel: &Channel, text: &str) -> Pos {
        let asked = self.publish(0, channel, text);
        self.appended(asked).pos
    }

    /// Keeps several, in this order, without waiting in between.
    pub fn append_all(&mut self, channel: &Channel, texts: &[String]) -> Vec<Pos> {
        let asked: Vec<_> = texts
            .iter()
            .map(|text| self.publish(0, channel, text))
            .collect();
        asked
            .into_iter()
            .map(|asked| self.appended(asked).pos)
            .collect()
    }

    /// What became of an append that has to succeed.
    pub fn appended(&mut self, asked: Asked) -> Appended {
        match self.wait(asked) {
            Done::Appended(Ok(appended)) => appended,
            other => panic!("an append failed: {other:?}"),
        }
    }

    /// Keeps a record under an idempotency key.
    pub fn append_once(&mut self, shard: usize, channel: &Channel, text: &str, key: &str) -> Asked {
        let effect = Effect::Append {
            channel: channel.clone(),
            publication: publication(text),
            key: Some(self.key("user:ann", key)),
        };
        self.submit(shard, effect)
    }

    /// A key of this publisher.
    #[must_use]
    pub fn key(&self, publisher: &str, key: &str) -> IdempotencyKey {
        IdempotencyKey {
            publisher: publisher.into(),
            key: format!("{}/{key}", self.case).into(),
        }
    }

    /// A page of the records after a position.
    pub fn read(&mut self, channel: &Channel, after: Pos, limit: PageLimit) -> Result<Page, Fault> {
        let effect = Effect::Read {
            channel: channel.clone(),
            after,
            limit,
        };
        match self.persist(0, &effect) {
            Done::Page(page) => page,
            other => panic!("a read was answered with {other:?}"),
        }
    }

    /// All records after a position, in pages.
    pub fn read_all(&mut self, channel: &Channel, after: Pos) -> Result<Vec<Publication>, Fault> {
        self.read_with_head(channel, after)
            .map(|(records, _)| records)
    }

    pub(super) fn read_with_head(
        &mut self,
        channel: &Channel,
        mut after: Pos,
    ) -> Result<(Vec<Publication>, Pos), Fault> {
        let mut records = Vec::new();
        loop {
            let limit = PageLimit { records: 64, ..ALL };
            let page = self.read(channel, after, limit)?;
            after = page
                .records
                .last()
                .and_then(|last| last.pos)
                .unwrap_or(after);
            records.extend(page.records);
            if !page.more {
                return Ok((records, page.head));
            }
        }
    }

    /// A page of the newest records before a position.
    pub fn read_back(
        &mut self,
        channel: &Channel,
        before: Option<Pos>,
        limit: PageLimit,
    ) -> Result<Page, Fault> {
        let effect = Effect::ReadBack {
            channel: channel.clone(),
            before,
            limit,
        };
        match self.persist(0, &effect) {
            Done::Page(page) => page,
            other => panic!("a read was answered with {other:?}"),
        }
    }

    /// All records that are kept.
    pub fn kept(&mut self, channel: &Channel) -> Vec<Publication> {
        match self.read_back(channel, None, ALL) {
            Ok(page) => page.records,
            Err(fault) => panic!("reading back failed: {fault}"),
        }
    }

    /// The newest position.
    pub fn head(&mut self, channel: &Channel) -> Pos {
        let limit = PageLimit { records: 1, ..ALL };
        match self.read_back(channel, None, limit) {
            Ok(page) => page.head,
            Err(fault) => panic!("reading back failed: {fault}"),
        }
    }

    /// Forgets a payload; whether there was such a record.
    pub fn redact(&mut self, channel: &Channel, pos: Pos) -> bool {
        let channel = channel.clone();
        match self.persist(0, &Effect::Redact { channel, pos }) {
            Done::Redacted(Ok(redacted)) => redacted,
            other => panic!("redaction failed: {other:?}"),
        }
    }

    /// Tells the watchers a passing record and does not wait.
    pub fn relay(&mut self, shard: usize, channel: &Channel, text: &str) -> Asked {
        let effect = Effect::Relay {
            channel: channel.clone(),
            publication: publication(text),
        };
        self.submit(shard, effect)
    }

    /// A session comes.
    pub fn enter(&mut self, shard: usize, channel: &Channel, member: Member, lease: Option<u64>) {
        let effect = Effect::Enter {
            channel: channel.clone(),
            member,
            lease,
        };
        match self.persist(shard, &effect) {
            Done::Entered(Ok(())) => self.quiet(),
            other => panic!("entering failed: {other:?}"),
        }
    }

    /// A session goes.
    pub fn leave(&mut self, shard: usize, channel: &Channel, session: &str) {
        let effect = Effect::Leave {
            channel: channel.clone(),
            session: session.into(),
        };
        self.submit(shard, effect);
        self.quiet();
    }

    /// A page of who is present.
    pub fn members(
        &mut self,
        channel: &Channel,
        after: Option<&str>,
        limit: usize,
    ) -> PresencePage {
        let effect = Effect::Members {
            channel: channel.clone(),
            after: after.map(Into::into),
            limit,
        };
        match self.persist(0, &effect) {
            Done::Members(Ok(page)) => page,
            other => panic!("listing members failed: {other:?}"),
        }
    }
}
