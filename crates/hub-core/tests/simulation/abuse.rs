//! Commands that cost little to send: what a session makes the hub hold for them stays bounded.

use crate::bench::{
    Bench, channel, is_page, is_watched, numbers, position, publish, recovered, subscribe,
    unsubscribe,
};
use crate::net::Said;
use tidewire_hub_core::{Done, Limits, Notice, ToShard};
use tidewire_hub_proto::{CloseReason, Command, Member, Origin, Pos, Push, Reply};

fn limits(limits: &mut Limits) {
    limits.page_bytes = 600;
    limits.page_records = 3;
    limits.recent_bytes = 0;
    // The allowance of subscribes follows from it, and is not what is tested here.
    limits.subscriptions = 1 << 20;
}

/// Twenty records in each of these channels, and the position before them.
fn with_history(bench: &mut Bench, names: &[&str]) -> Vec<Pos> {
    let writer = bench.join(1 << 20);
    let positions = names.iter().map(|name| {
        let beginning = position(&bench.subscribe(writer, name, None)).unwrap();
        bench.publish(writer, name, 0..20);
        beginning
    });
    positions.collect()
}

#[test]
fn who_subscribes_again_and_again_has_one_page_read_at_a_time() {
    let mut bench = Bench::new(limits);
    let beginning = with_history(&mut bench, &["lag:a"])[0];
    let one = bench.join(1 << 20);
    for _ in 0..500 {
        bench.ask(one, subscribe("lag:a", Some(beginning)));
        bench.ask(one, unsubscribe("lag:a"));
    }
    assert_eq!(bench.mail.iter().filter(|mail| is_page(mail)).count(), 1);
    bench.settle();
    bench.hear(one);
    let heard = bench.subscribe(one, "lag:a", Some(beginning));
    assert_eq!(recovered(&heard), [Some(true)]);
    assert_eq!(numbers(&heard), Vec::from_iter(0..20));
}

#[test]
fn however_many_come_back_at_once_few_pages_are_read_at_a_time() {
    let mut bench = Bench::new(limits);
    let beginning = with_history(&mut bench, &["lag:a"])[0];
    let all: Vec<_> = (0..500).map(|_| bench.join(1 << 20)).collect();
    for &one in &all {
        bench.ask(one, subscribe("lag:a", Some(beginning)));
    }
    // One leaves while it waits in line, another while its page is read.
    bench.drop_out(all[499]);
    bench.drop_out(all[0]);
    assert_eq!(bench.mail.iter().filter(|mail| is_page(mail)).count(), 64);
    bench.settle();
    for &one in &all[1..499] {
        let heard = bench.hear(one);
        assert_eq!(recovered(&heard), [Some(true)]);
        assert_eq!(numbers(&heard), Vec::from_iter(0..20));
    }
}

#[test]
fn who_goes_through_many_channels_does_not_keep_them_all() {
    let mut bench = Bench::new(limits);
    let one = bench.join(1 << 20);
    for number in 0..10_000 {
        let name = format!("lag:{number}");
        bench.ask(one, subscribe(&name, None));
        bench.ask(one, unsubscribe(&name));
        if number % 16 == 0 {
            bench.settle();
            bench.hear(one);
        }
    }
    bench.settle();
    let channels = bench.shard.counters().channels;
    assert!(channels <= 4_096, "{channels}");
    let heard = bench.subscribe(one, "lag:9999", None);
    assert_eq!(recovered(&heard), [None]);
    bench.drop_out(one);
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn a_name_that_changes_on_and_on_waits_for_the_channels_that_show_it() {
    let mut bench = Bench::new(limits);
    let one = bench.join(1 << 20);
    bench.subscribe(one, "lag:a", None);
    let auth = |name: String| Command::Auth {
        client: None,
        name: Some(name.into()),
        binary: false,
    };
    let is_entered = |mail: &&ToShard| matches!(mail, ToShard::Done(_, Done::Entered(_)));
    for number in 0..1_000 {
        bench.ask(one, auth(format!("Ann {number}")));
    }
    let under_way = bench.mail.iter().filter(is_entered).count();
    assert!(under_way <= 128, "{under_way}");
    bench.settle();
    bench.hear(one);
    assert!(bench.ask(one, auth("Bea".into())), "there is room again");
    bench.settle();
    // The same again tells nobody anything.
    bench.ask(one, auth("Bea".into()));
    assert_eq!(bench.mail.iter().filter(is_entered).count(), 0);
}

#[test]
fn nothing_follows_a_bye() {
    let mut bench = Bench::new(limits);
    let beginning = with_history(&mut bench, &["lag:a"])[0];
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe("lag:b", None));
    bench.ask(one, subscribe("lag:a", Some(beginning)));
    let session = bench.net.conns[&one].session.unwrap();
    let reason = CloseReason::Shutdown;
    bench
        .shard
        .bye(bench.now, session, reason, None, &mut bench.net);
    bench.settle();
    let heard = bench.hear(one);
    let [Said::Push(Push::Bye { reason: told, .. })] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!(*told, reason);
}

#[test]
fn a_long_recovery_leaves_the_sessions_other_channels_their_turn() {
    let mut bench = Bench::new(limits);
    let beginnings = with_history(&mut bench, &["lag:a", "lag:b"]);
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe("lag:a", Some(beginnings[0])));
    bench.ask(one, subscribe("lag:b", Some(beginnings[1])));
    bench.settle();
    let heard = bench.hear(one);
    let answered = heard.iter().position(|said| {
        matches!(said, Said::Push(Push::Reply { reply: Reply::Subscribed { channel: of, .. }, .. }) if *of == channel("lag:b"))
    });
    let first_live = heard
        .iter()
        .position(|said| matches!(said, Said::Push(Push::Live { .. })));
    assert!(answered.unwrap() < first_live.unwrap(), "{heard:?}");
}

#[test]
fn joins_that_are_told_before_the_watch_is_answered_take_no_room() {
    let mut bench = Bench::new(|limits| limits.at_hand_bytes = 4_000);
    let one = bench.join(1 << 20);
    let Command::Subscribe { channel: of, .. } = subscribe("lag:a", None) else {
        panic!("a subscribe")
    };
    bench.ask(
        one,
        Command::Subscribe {
            channel: of.clone(),
            since: None,
            history: 0,
            presence: true,
        },
    );
    let watched = bench.withhold(is_watched);
    for v in 1..100 {
        bench.give(ToShard::Notice(Notice::Presence {
            channel: of.clone(),
            v,
            member: Member {
                session: "x".into(),
                origin: Origin::default(),
            },
            joined: v % 2 == 1,
            sessions: 1,
        }));
    }
    bench.give(watched);
    bench.settle();
    let since = position(&bench.hear(one)).unwrap();
    for text in 0..3 {
        bench.ask(one, publish("lag:a", text));
        bench.settle();
    }
    let two = bench.join(1 << 20);
    bench.ask(two, subscribe("lag:a", Some(since)));
    assert!(!bench.mail.iter().any(is_page), "it is all at hand");
    bench.settle();
    assert_eq!(numbers(&bench.hear(two)), [0, 1, 2]);
}
