//! The presence table: bounds, deadlines, and what it forgets.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use tidewire_hub_core::contract::{
    Done, Effect, Fault, LogOptions, Notice, ShardId, Ticket, ToShard,
};
use tidewire_hub_core::presence::{MAX_MEMBERS, PresenceTable};
use tidewire_hub_core::{Millis, PresencePage};
use tidewire_hub_proto::Channel;
use tidewire_testkit::engines::{member, namespaces};

const SHARD: ShardId = ShardId(0);

struct Table {
    table: PresenceTable,
    now: u64,
    told: Vec<(ShardId, ToShard)>,
}

impl Table {
    fn new() -> Self {
        Self {
            table: PresenceTable::new(namespaces()),
            now: 1_000_000,
            told: Vec::new(),
        }
    }

    fn submit(&mut self, effect: Effect) {
        let mut out = |shard, message| self.told.push((shard, message));
        self.table
            .submit(Millis(self.now), SHARD, Ticket(1), effect, &mut out);
    }

    fn enter(&mut self, channel: &Channel, session: &str, lease: Option<u64>) {
        let member = member(session, "ann");
        let channel = channel.clone();
        self.submit(Effect::Enter {
            channel,
            member,
            lease,
        });
    }

    fn leave(&mut self, channel: &Channel, session: &str) {
        let (channel, session) = (channel.clone(), session.into());
        self.submit(Effect::Leave { channel, session });
    }

    fn members(&mut self, channel: &Channel) -> PresencePage {
        self.told.clear();
        let (channel, after, limit) = (channel.clone(), None, 10);
        self.submit(Effect::Members {
            channel,
            after,
            limit,
        });
        match self.told.pop() {
            Some((_, ToShard::Done(_, Done::Members(Ok(page))))) => page,
            other => panic!("{other:?}"),
        }
    }

    fn at(&mut self, now: u64) {
        self.now = now;
        let mut out = |shard, message| self.told.push((shard, message));
        self.table.tick(Millis(now), &mut out);
    }
}

fn channel(name: &str) -> Channel {
    Channel::parse(name).unwrap()
}

#[test]
fn a_full_channel_refuses_newcomers_and_nobody_else() {
    let (mut table, room) = (Table::new(), channel("log:full"));
    for n in 0..MAX_MEMBERS {
        table.enter(&room, &format!("s{n}"), None);
    }
    table.told.clear();
    table.enter(&room, "late", None);
    table.enter(&room, "s1", Some(5));
    table.enter(&channel("log:other"), "late", None);
    let results: Vec<_> = table.told.drain(..).map(|(_, told)| told).collect();
    assert!(
        matches!(
            &results[..],
            [
                ToShard::Done(_, Done::Entered(Err(Fault::Overloaded))),
                ToShard::Done(_, Done::Entered(Ok(()))),
                ToShard::Done(_, Done::Entered(Ok(()))),
            ]
        ),
        "{results:?}"
    );
    table.leave(&room, "s7");
    table.enter(&room, "late", None);
    assert_eq!(table.members(&room).total, MAX_MEMBERS);
}

#[test]
fn deadlines_are_those_that_still_hold() {
    let (mut table, room) = (Table::new(), channel("live:a"));
    assert_eq!(table.table.next_deadline(), None);
    table.enter(&room, "s1", None);
    assert_eq!(table.table.next_deadline(), None, "nothing is due");
    table.leave(&room, "s1");
    assert_eq!(table.table.next_deadline(), Some(Millis(1_000_400)));
    table.enter(&room, "s2", Some(100));
    assert_eq!(table.table.next_deadline(), Some(Millis(1_000_100)));
    table.enter(&room, "s2", Some(300));
    assert_eq!(table.table.next_deadline(), Some(Millis(1_000_300)));
    table.enter(&room, "s1", None);
    table.enter(&room, "s2", None);
    assert_eq!(table.table.next_deadline(), None, "all are back");
    table.leave(&room, "s1");
    table.at(1_000_400);
    assert_eq!(table.table.next_deadline(), None);
    assert_eq!(table.table.len(), 1);
}

#[test]
fn a_late_tick_tells_every_leave_in_order() {
    let (mut table, room) = (Table::new(), channel("live:a"));
    table.table.watch(ShardId(3), &room);
    for n in 0..5 {
        table.enter(&room, &format!("s{n}"), Some(100 + n));
    }
    table.told.clear();
    table.at(9_000_000);
    let left: Vec<_> = table
        .told
        .iter()
        .filter_map(|(shard, told)| match told {
            ToShard::Notice(Notice::Presence {
                v,
                sessions,
                joined: false,
                ..
            }) => Some((shard.0, *v, *sessions)),
            _ => None,
        })
        .collect();
    assert_eq!(
        left,
        [(3, 6, 4), (3, 7, 3), (3, 8, 2), (3, 9, 1), (3, 10, 0)]
    );
    assert!(table.table.is_empty());
}

#[test]
fn versions_never_go_back_though_channels_are_forgotten() {
    let (mut table, room) = (Table::new(), channel("log:a"));
    let mut last = table.members(&room).v;
    for _ in 0..3 {
        table.enter(&room, "s1", None);
        table.leave(&room, "s1");
        let v = table.members(&room).v;
        assert!(v >= last + 2, "{v} after {last}");
        last = v;
    }
}

#[test]
fn time_that_goes_back_is_no_time() {
    let (mut table, room) = (Table::new(), channel("log:a"));
    table.enter(&room, "s1", Some(100));
    table.now = 5;
    table.enter(&room, "s2", Some(100));
    assert_eq!(table.table.next_deadline(), Some(Millis(1_000_100)));
    table.at(u64::MAX);
    table.enter(&room, "s3", Some(u64::MAX));
    table.leave(&room, "s3");
    table.at(u64::MAX);
    assert!(table.table.is_empty());
}

#[test]
fn what_is_not_about_presence_is_answered_all_the_same() {
    let (mut table, room) = (Table::new(), channel("log:a"));
    table.submit(Effect::Watch {
        channel: room.clone(),
    });
    table.submit(Effect::Unwatch { channel: room });
    table.enter(&channel("nowhere:a"), "s1", None);
    table.leave(&channel("nowhere:a"), "s1");
    let failed: Vec<_> = table.told.iter().map(|(_, told)| told).collect();
    assert!(
        matches!(
            &failed[..],
            [
                ToShard::Done(_, Done::Watched(Err(Fault::Unavailable(_)))),
                ToShard::Done(_, Done::Entered(Err(Fault::Unavailable(_)))),
            ]
        ),
        "{failed:?}"
    );
}

#[test]
fn no_grace_means_at_once() {
    let options = LogOptions {
        max_records: 0,
        max_age: 0,
        key_age: 0,
        grace: 0,
    };
    let mut table = Table::new();
    table.table = PresenceTable::new(BTreeMap::from([("log".into(), options)]));
    let room = channel("log:a");
    table.table.watch(SHARD, &room);
    table.enter(&room, "s1", None);
    table.told.clear();
    table.leave(&room, "s1");
    assert_eq!(table.told.len(), 1, "told without a tick");
}
