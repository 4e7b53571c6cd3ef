//! What a shard knows of a session.

use super::TransportKind;
use super::table::Key;
use crate::Millis;
use crate::host::SessionId;
use crate::settings::{Access, Limits, Namespace};
use tidewire_hub_proto::{Channel, Exclude, Origin, Publication};

/// What a command that reads a page counts against [`Limits::in_flight`]: its answer is large.
pub(super) const PAGE_WEIGHT: usize = 8;

#[derive(Debug)]
pub(super) struct Session {
    /// Its public id.
    pub(super) name: Box<str>,
    pub(super) origin: Origin,
    pub(super) transport: TransportKind,
    /// For polls: how long it stays present after its end, in milliseconds.
    pub(super) lease: Option<u64>,
    pub(super) subs: Vec<SubRef>,
    /// Bytes that wait in its outbox, as far as the host has told.
    pub(super) queued: usize,
    /// Commands under way, by weight.
    pub(super) in_flight: usize,
    /// Bad commands so far.
    pub(super) bad: u32,
    /// Its transport was told to wait with the next command.
    pub(super) held: bool,
    /// It is on the list of those to flush.
    pub(super) dirty: bool,
    /// A page is being read for one of its recoveries: the others wait.
    pub(super) reading: bool,
    /// It waits until other sessions have read.
    pub(super) in_line: bool,
    /// Some subscription may wait for room in the outbox, or for a read.
    pub(super) waiting: bool,
    /// When each namespace that it published to lets the next burst begin.
    pub(super) rates: Vec<(Box<str>, Rate)>,
    /// The same for what others hear of, or what makes a channel: subscribing, and being somebody else.
    pub(super) moves: Rate,
}

/// Where one of a session's subscriptions is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SubRef {
    pub(super) feed: Key,
    /// Index into the feed's list.
    pub(super) at: u32,
}

impl Session {
    /// Whether it should send no more commands for now.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.in_flight >= limits.in_flight || self.queued >= limits.outbox
    }

    /// Whether what waits leaves room for a page.
    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        self.queued <= limits.outbox / 2
    }

    /// Where its subscription to a feed is.
    pub(super) fn sub(&self, feed: Key) -> Option<usize> {
        self.subs
            .iter()
            .find(|sub| sub.feed == feed)
            .map(|sub| sub.at as usize)
    }

    /// Whether a publication leaves this session out.
    pub(super) fn is_excluded(&self, publication: &Publication) -> bool {
        match &publication.exclude {
            None => false,
            Some(Exclude::Session(session)) => *session == self.name,
            Some(Exclude::Publisher) => self.origin.is_same(&publication.from),
        }
    }

    /// Whether it may see the publication's key.
    pub(super) fn owns(&self, publication: &Publication) -> bool {
        publication.key.is_some() && self.origin.is_same(&publication.from)
    }

    /// Takes one publish from the namespace's allowance, or says how many milliseconds are missing.
    pub(super) fn take_rate(
        &mut self,
        namespace: &str,
        options: &Namespace,
        now: Millis,
    ) -> Result<(), u64> {
        let at = match self.rates.iter().position(|(name, _)| **name == *namespace) {
            Some(at) => at,
            None => {
                self.rates.push((namespace.into(), Rate::default()));
                self.rates.len() - 1
            }
        };
        self.rates.get_mut(at).map_or(Ok(()), |(_, rate)| {
            rate.take(options.rate, options.burst, now)
        })
    }

    /// Takes one subscribe or `auth` from the session's allowance, or says how many milliseconds are
    /// missing. Its subscriptions fit into a burst twice, and into each second once.
    pub(super) fn take_move(&mut self, limits: &Limits, now: Millis) -> Result<(), u64> {
        let rate = u32::try_from(limits.subscriptions).unwrap_or(u32::MAX);
        let rate = rate.max(MOVES);
        self.moves.take(rate, rate.saturating_mul(2), now)
    }
}

/// Subscribes and `auth`s a second that every session may make for long.
const MOVES: u32 = 32;

/// An allowance that refills: the moment until which it is used up, in microseconds (GCRA).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate(u64);

impl Rate {
    fn take(&mut self, rate: u32, burst: u32, now: Millis) -> Result<(), u64> {
        let each = 1_000_000 / u64::from(rate.max(1));
        let now = now.0.saturating_mul(1000);
        let used_until = self.0.max(now);
        let ahead = each * u64::from(burst.max(1) - 1);
        if used_until > now + ahead {
            return Err((used_until - now - ahead).div_ceil(1000));
        }
        self.0 = used_until + each;
        Ok(())
    }
}

/// Whether somebody may do something in a channel.
pub(super) fn may(access: Access, origin: &Origin, channel: &Channel) -> bool {
    match access {
        Access::Nobody => false,
        Access::Anyone => true,
        Access::Members => {
            let is_part = |name: &Option<Box<str>>| {
                name.as_deref()
                    .is_some_and(|name| channel.name().split('~').any(|part| part == name))
            };
            // A user is known by its name alone: a guest's id may be in anybody's hands after sign-in.
            if origin.user.is_some() {
                is_part(&origin.user)
            } else {
                is_part(&origin.client)
            }
        }
    }
}

pub(super) fn id(key: Key) -> SessionId {
    SessionId {
        index: key.index,
        generation: key.generation,
    }
}

pub(super) fn key(id: SessionId) -> Key {
    Key {
        index: id.index,
        generation: id.generation,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut allowance = Rate::default();
        let mut take = |now| allowance.take(10, 3, now);
        let now = Millis(1_000_000);
        for _ in 0..3 {
            assert_eq!(take(now), Ok(()));
        }
        assert_eq!(take(now), Err(100));
        assert_eq!(take(now.plus(99)), Err(1));
        assert_eq!(take(now.plus(100)), Ok(()));
        assert_eq!(take(now.plus(100)), Err(100));
        // Rest gives the burst back, and no more.
        for _ in 0..3 {
            assert_eq!(take(now.plus(10_000)), Ok(()));
        }
        assert!(take(now.plus(10_000)).is_err());
    }

    #[test]
    fn members_are_the_parts_of_the_name() {
        let channel = Channel::parse("dm:ann~b0b").unwrap();
        let user = |name: &str| Origin {
            user: Some(name.into()),
            ..Origin::default()
        };
        let guest = |name: &str| Origin {
            client: Some(name.into()),
            ..Origin::default()
        };
        for (origin, expected) in [
            (user("ann"), true),
            (user("an"), false),
            (user(""), false),
            (guest("b0b"), true),
            (guest("ann~b0b"), false),
            (
                Origin {
                    client: Some("b0b".into()),
                    ..user("eve")
                },
                false,
            ),
            (
                Origin {
                    name: Some("ann".into()),
                    ..Origin::default()
                },
                false,
            ),
        ] {
            assert_eq!(
                may(Access::Members, &origin, &channel),
                expected,
                "{origin:?}"
            );
            assert!(may(Access::Anyone, &origin, &channel));
            assert!(!may(Access::Nobody, &origin, &channel));
        }
    }
}
