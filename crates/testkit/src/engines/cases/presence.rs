//! Presence: versioned lists, joins and leaves, grace and leases.

use super::{Case, core, full};
use crate::engines::driver::Driver;
use crate::engines::ear::Seen;
use crate::engines::words::member;
use tidewire_hub_core::contract::PresencePage;
use tidewire_hub_proto::{Member, Origin};

pub(super) const CASES: &[Case] = &[
    core("came-and-left", came_and_left),
    core("sessions-of-one-user", sessions_of_one_user),
    core("guests-and-nobodies", guests_and_nobodies),
    core("present-again", present_again),
    core("became-somebody-else", became_somebody_else),
    core("list-and-changes-agree", list_and_changes_agree),
    core("list-in-pages", list_in_pages),
    core("left-without-being-there", left_without_being_there),
    full("grace-hides-a-return", grace_hides_a_return),
    full("grace-hides-a-reload", grace_hides_a_reload),
    full("grace-ends", grace_ends),
    full("lease-ends", lease_ends),
    full("lease-renewed", lease_renewed),
];

fn seen(v: u64, session: &str, joined: bool, sessions: usize) -> Seen {
    Seen {
        v,
        session: session.into(),
        joined,
        sessions,
    }
}

fn sessions(page: &PresencePage) -> Vec<&str> {
    page.members.iter().map(|member| &*member.session).collect()
}

fn came_and_left(d: &mut Driver) {
    let (channel, other) = (d.channel("log", "a"), d.channel("log", "b"));
    for shard in 0..2 {
        d.watch(shard, &channel);
    }
    d.watch(0, &other);
    let v = d.members(&channel, None, 10).v;
    d.enter(2, &channel, member("s1", "ann"), None);
    let page = d.members(&channel, None, 10);
    assert_eq!((page.v, page.total, page.more), (v + 1, 1, false));
    assert_eq!(page.members, [member("s1", "ann")]);
    assert_eq!(
        d.members(&other, None, 10).total,
        0,
        "present in one channel"
    );
    d.leave(2, &channel, "s1");
    let page = d.members(&channel, None, 10);
    assert_eq!((page.v, page.total), (v + 2, 0));
    for shard in 0..2 {
        let told = [seen(v + 1, "s1", true, 1), seen(v + 2, "s1", false, 0)];
        assert_eq!(d.seen(shard, &channel), told, "shard {shard}");
    }
    assert_eq!(d.seen(0, &other), []);
}

fn sessions_of_one_user(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let v = d.members(&channel, None, 10).v;
    d.enter(0, &channel, member("s1", "ann"), None);
    d.enter(1, &channel, member("s2", "ann"), None);
    d.enter(1, &channel, member("s3", "bob"), None);
    d.leave(0, &channel, "s1");
    d.leave(1, &channel, "s2");
    let told = [
        seen(v + 1, "s1", true, 1),
        seen(v + 2, "s2", true, 2),
        seen(v + 3, "s3", true, 1),
        seen(v + 4, "s1", false, 1),
        seen(v + 5, "s2", false, 0),
    ];
    assert_eq!(d.seen(0, &channel), told);
}

/// Guests are told apart by their client id, not by what they call themselves; a guest is no user.
fn guests_and_nobodies(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let guest = |session: &str, client: Option<&str>| Member {
        session: session.into(),
        origin: Origin {
            user: None,
            client: client.map(Into::into),
            name: Some("Ann".into()),
        },
    };
    d.enter(0, &channel, guest("s1", Some("c1")), None);
    d.enter(0, &channel, guest("s2", Some("c2")), None);
    d.enter(0, &channel, guest("s3", Some("c1")), None);
    d.enter(0, &channel, member("s4", "c1"), None);
    d.enter(0, &channel, guest("s5", None), None);
    d.enter(0, &channel, guest("s6", None), None);
    let counts: Vec<_> = d
        .seen(0, &channel)
        .iter()
        .map(|seen| seen.sessions)
        .collect();
    assert_eq!(counts, [1, 1, 2, 1, 1, 1]);
}

fn present_again(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    d.enter(0, &channel, member("s1", "ann"), None);
    let page = d.members(&channel, None, 10);
    d.enter(0, &channel, member("s1", "ann"), None);
    assert_eq!(d.members(&channel, None, 10), page, "nothing has changed");
    assert_eq!(d.seen(0, &channel).len(), 1, "so nothing is told");
    d.leave(0, &channel, "s1");
    assert_eq!(
        d.members(&channel, None, 10).total,
        0,
        "and once is enough to leave"
    );
}

fn became_somebody_else(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let v = d.members(&channel, None, 10).v;
    d.enter(0, &channel, member("s1", "ann"), None);
    let mut named = member("s1", "ann");
    named.origin.name = Some("Ann".into());
    d.enter(0, &channel, named.clone(), None);
    assert_eq!(d.members(&channel, None, 10).members, [named]);
    d.enter(0, &channel, member("s1", "bob"), None);
    assert_eq!(d.members(&channel, None, 10).members, [member("s1", "bob")]);
    let told = [
        seen(v + 1, "s1", true, 1),
        seen(v + 2, "s1", true, 1),
        seen(v + 3, "s1", false, 0),
        seen(v + 4, "s1", true, 1),
    ];
    assert_eq!(d.seen(0, &channel), told);
}

fn list_and_changes_agree(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    let mut random = crate::Random::new(11);
    let mut expected = std::collections::BTreeMap::new();
    let begin = d.members(&channel, None, 10).v;
    for _ in 0..60 {
        let session = format!("s{}", random.below(8));
        if random.below(2) == 0 {
            let user = format!("u{}", session.len() % 3);
            d.enter(0, &channel, member(&session, &user), None);
            expected.insert(session, user);
        } else {
            d.leave(0, &channel, &session);
            expected.remove(&session);
        }
    }
    let mut list = std::collections::BTreeSet::new();
    let told = d.seen(0, &channel);
    for change in &told {
        let changed = if change.joined {
            list.insert(change.session.clone())
        } else {
            list.remove(&change.session)
        };
        assert!(changed, "{change:?} changes nothing");
    }
    let page = d.members(&channel, None, 100);
    assert!(
        list.iter().eq(expected.keys()),
        "changes add up to the list"
    );
    assert_eq!(sessions(&page), list.iter().collect::<Vec<_>>());
    assert_eq!(
        page.v,
        begin + told.len() as u64,
        "each change is one version"
    );
}

fn list_in_pages(d: &mut Driver) {
    let channel = d.channel("log", "a");
    let all: Vec<_> = (0..25).map(|n| format!("s{n:02}")).collect();
    for session in all.iter().rev() {
        d.enter(0, &channel, member(session, "ann"), None);
    }
    for limit in [1, 10, 25, 26] {
        let (mut got, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
        loop {
            let page = d.members(&channel, after.as_deref(), limit);
            assert_eq!(page.total, 25);
            assert!(page.members.len() <= limit);
            got.extend(sessions(&page).into_iter().map(str::to_owned));
            after = got.last().cloned();
            if !page.more {
                break;
            }
        }
        assert_eq!(got, all, "by {limit}");
    }
    let page = d.members(&channel, Some("s10x"), 2);
    assert_eq!(sessions(&page), ["s11", "s12"], "after one who has left");
    let page = d.members(&channel, Some("zzz"), 2);
    assert!(page.members.is_empty() && !page.more);
}

fn left_without_being_there(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    d.leave(0, &channel, "nobody");
    d.enter(0, &channel, member("s1", "ann"), None);
    d.leave(0, &channel, "s2");
    d.leave(1, &d.channel("log", "b"), "s1");
    assert_eq!(d.members(&channel, None, 10).total, 1);
    assert_eq!(d.seen(0, &channel).len(), 1);
}

fn grace_hides_a_return(d: &mut Driver) {
    let channel = d.channel("live", "a");
    d.watch(0, &channel);
    d.enter(0, &channel, member("s1", "ann"), None);
    let page = d.members(&channel, None, 10);
    d.leave(0, &channel, "s1");
    if d.virtual_time {
        d.pass(399);
        assert_eq!(d.members(&channel, None, 10), page, "a leave is held back");
    }
    d.enter(0, &channel, member("s1", "ann"), None);
    d.pass(1_000);
    if d.virtual_time {
        assert_eq!(d.members(&channel, None, 10), page);
        assert_eq!(d.seen(0, &channel).len(), 1, "nobody has noticed");
    }
    assert_eq!(d.members(&channel, None, 10).total, 1);
}

fn grace_hides_a_reload(d: &mut Driver) {
    let channel = d.channel("live", "a");
    d.watch(0, &channel);
    d.enter(0, &channel, member("s1", "ann"), None);
    d.leave(0, &channel, "s1");
    if d.virtual_time {
        d.pass(300);
    }
    d.enter(1, &channel, member("s2", "ann"), None);
    d.pass(1_000);
    let told = d.seen(0, &channel);
    let what: Vec<_> = told
        .iter()
        .map(|seen| (&*seen.session, seen.joined, seen.sessions))
        .collect();
    assert_eq!(what, [("s1", true, 1), ("s2", true, 2), ("s1", false, 1)]);
    assert_eq!(sessions(&d.members(&channel, None, 10)), ["s2"]);
}

fn grace_ends(d: &mut Driver) {
    let channel = d.channel("live", "a");
    d.watch(0, &channel);
    let v = d.members(&channel, None, 10).v;
    d.enter(0, &channel, member("s1", "ann"), None);
    d.leave(0, &channel, "s1");
    if d.virtual_time {
        // Leaving once more does not make it later.
        d.pass(300);
        d.leave(0, &channel, "s1");
        d.pass(101);
    } else {
        d.pass(800);
    }
    let told = [seen(v + 1, "s1", true, 1), seen(v + 2, "s1", false, 0)];
    assert_eq!(d.seen(0, &channel), told);
    d.pass(1_000);
    assert_eq!(d.seen(0, &channel).len(), 2, "told once");
    assert_eq!(d.members(&channel, None, 10).total, 0);
}

fn lease_ends(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    d.enter(0, &channel, member("s1", "ann"), Some(400));
    d.enter(0, &channel, member("s2", "bob"), None);
    if d.virtual_time {
        d.pass(399);
        assert_eq!(d.members(&channel, None, 10).total, 2);
    }
    d.pass(800);
    assert_eq!(sessions(&d.members(&channel, None, 10)), ["s2"]);
    let left = d.seen(0, &channel).pop();
    assert!(left.is_some_and(|seen| seen.session == "s1" && !seen.joined));
}

fn lease_renewed(d: &mut Driver) {
    let channel = d.channel("log", "a");
    d.watch(0, &channel);
    d.enter(0, &channel, member("s1", "ann"), Some(60_000));
    d.enter(0, &channel, member("s2", "bob"), Some(300));
    d.enter(0, &channel, member("s2", "bob"), Some(60_000));
    d.enter(0, &channel, member("s3", "cleo"), Some(300));
    d.enter(0, &channel, member("s3", "cleo"), None);
    d.enter(0, &channel, member("s4", "dan"), None);
    d.enter(0, &channel, member("s4", "dan"), Some(300));
    d.pass(900);
    assert_eq!(sessions(&d.members(&channel, None, 10)), ["s1", "s2", "s3"]);
    d.leave(0, &channel, "s1");
    assert_eq!(
        sessions(&d.members(&channel, None, 10)),
        ["s2", "s3"],
        "who leaves does not wait for its lease"
    );
}
