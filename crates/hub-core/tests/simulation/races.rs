//! Answers that come late, early, or to nobody.

use crate::bench::{
    Bench, is_page, is_watched, lags, numbers, position, publish, recovered, subscribe, unsubscribe,
};
use crate::net::Said;
use tidewire_hub_core::{Done, Fault, Limits, Notice, ToShard};
use tidewire_hub_proto::{CloseReason, Command, ErrorCode, Pos, Push, Reply};

fn limits(limits: &mut Limits) {
    limits.outbox = 1_500;
    limits.page_bytes = 600;
    limits.page_records = 3;
    limits.recent_bytes = 0;
}

/// A bench with 20 records in `lag:a`, somebody who listens there, and the position before them.
fn with_history() -> (Bench, u64, Pos) {
    let mut bench = Bench::new(limits);
    let writer = bench.join(1 << 20);
    let beginning = position(&bench.subscribe(writer, "lag:a", None)).unwrap();
    bench.publish(writer, "lag:a", 0..20);
    (bench, writer, beginning)
}

fn replies(heard: &[Said]) -> Vec<&Reply> {
    let replies = heard.iter().filter_map(|said| match said {
        Said::Push(Push::Reply { reply, .. }) => Some(reply),
        _ => None,
    });
    replies.collect()
}

/// Whether these are the answers to a subscribe that was overtaken, and to the unsubscribe.
fn is_called_off(replies: &[&Reply]) -> bool {
    let first = |reply: &Reply| {
        matches!(
            reply,
            Reply::Error {
                code: ErrorCode::NotSubscribed,
                ..
            }
        )
    };
    matches!(replies, [one, Reply::Unsubscribed { .. }] if first(one))
}

#[test]
fn a_subscribe_is_called_off_while_the_channel_is_not_watched_yet() {
    let mut bench = Bench::new(limits);
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe("lag:a", None));
    bench.ask(one, unsubscribe("lag:a"));
    bench.turn(512);
    assert!(is_called_off(&replies(&bench.hear(one))));
    let late = bench.mail.pop_front().unwrap();
    assert!(is_watched(&late));
    bench.give(late);
    bench.settle();
    assert!(bench.hear(one).is_empty(), "the late answer is for nobody");
    let again = bench.subscribe(one, "lag:a", None);
    assert_eq!(recovered(&again), [None]);
    bench.drop_out(one);
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn who_is_sent_away_while_it_joins_hears_goodbye_and_nothing_else() {
    let mut bench = Bench::new(limits);
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe("lag:a", None));
    let session = bench.net.conns[&one].session.unwrap();
    let reason = CloseReason::Shutdown;
    bench
        .shard
        .bye(bench.now, session, reason, None, &mut bench.net);
    bench.turn(512);
    let heard = bench.hear(one);
    assert!(
        matches!(heard[..], [Said::Push(Push::Bye { .. })]),
        "{heard:?}"
    );
}

#[test]
fn a_recovery_is_called_off_while_a_page_is_read() {
    let (mut bench, writer, beginning) = with_history();
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe("lag:a", Some(beginning)));
    let first = bench.withhold(is_page);
    bench.ask(one, unsubscribe("lag:a"));
    bench.turn(512);
    assert!(is_called_off(&replies(&bench.hear(one))));
    // Subscribed again before the page of the first time comes, and again.
    bench.ask(one, subscribe("lag:a", Some(beginning)));
    bench.ask(one, unsubscribe("lag:a"));
    bench.ask(one, subscribe("lag:a", Some(beginning)));
    bench.turn(512);
    assert!(!bench.mail.iter().any(is_page), "one read at a time");
    bench.give(first);
    bench.settle();
    let heard = bench.hear(one);
    assert_eq!(recovered(&heard), [Some(true)], "answered once");
    assert_eq!(numbers(&heard), Vec::from_iter(0..20), "each record once");
    bench.drop_out(one);
    bench.drop_out(writer);
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn a_session_goes_while_it_is_subscribed_in_every_phase() {
    let (mut bench, writer, beginning) = with_history();
    let [joining, recovering, behind] = [1 << 20, 1 << 20, 100].map(|room| bench.join(room));
    bench.subscribe(behind, "lag:a", None);
    for text in 20..60 {
        bench.ask(writer, publish("lag:a", text));
        bench.settle();
    }
    bench.ask(joining, subscribe("lag:b", None));
    bench.ask(recovering, subscribe("lag:a", Some(beginning)));
    assert!(bench.net.conns[&behind].queued > 0);
    for session in [joining, recovering, behind, writer] {
        bench.drop_out(session);
    }
    let left = bench.left();
    assert_eq!(left, (0, 0, 0), "and every late answer finds nobody");
}

#[test]
fn a_subscriber_that_is_behind_unsubscribes_and_comes_back() {
    let (mut bench, writer, _) = with_history();
    let slow = bench.join(100);
    let since = position(&bench.subscribe(slow, "lag:a", None));
    bench.publish(writer, "lag:a", 20..60);
    bench.ask(slow, unsubscribe("lag:a"));
    let heard = bench.hear(slow);
    let got = numbers(&heard);
    assert!(got.len() < 40 && matches!(replies(&heard)[..], [Reply::Unsubscribed { .. }]));
    assert!(lags(&heard).is_empty(), "nothing follows what it left");
    let heard = bench.subscribe(slow, "lag:a", position(&heard).or(since));
    let got = [got, numbers(&heard)].concat();
    assert_eq!(got, Vec::from_iter(20..60));
}

#[test]
fn a_record_that_is_told_before_the_watch_is_answered_is_not_missed() {
    let (mut bench, writer, _) = with_history();
    let name = "lag:b";
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe(name, None));
    let watched = bench.withhold(is_watched);
    bench.ask(writer, publish(name, 1));
    bench.settle();
    bench.give(watched);
    bench.settle();
    let heard = bench.hear(one);
    assert_eq!((recovered(&heard), numbers(&heard)), (vec![None], vec![1]));
}

#[test]
fn a_recovery_whose_read_fails_half_way_goes_on_later() {
    let (mut bench, _, beginning) = with_history();
    let one = bench.join(1 << 20);
    bench.ask(one, subscribe("lag:a", Some(beginning)));
    let first = bench.withhold(is_page);
    bench.give(first);
    let ToShard::Done(ticket, _) = bench.withhold(is_page) else {
        panic!("the second page")
    };
    let fault = Fault::Unavailable("busy".into());
    bench.give(ToShard::Done(ticket, Done::Page(Err(fault))));
    bench.settle();
    let some = numbers(&bench.hear(one));
    assert!(!some.is_empty() && some.len() < 20);
    bench.wait(1_000);
    let rest = bench.hear(one);
    assert!(lags(&rest).is_empty());
    assert_eq!([some, numbers(&rest)].concat(), Vec::from_iter(0..20));
}

#[test]
fn who_recovers_hears_of_a_join_that_came_meanwhile() {
    let (mut bench, _, beginning) = with_history();
    let one = bench.join(1 << 20);
    bench.ask(
        one,
        Command::Subscribe {
            channel: crate::bench::channel("lag:a"),
            since: Some(beginning),
            history: 0,
            presence: true,
        },
    );
    let page = bench.withhold(is_page);
    let newcomer = bench.join(1 << 20);
    bench.subscribe(newcomer, "lag:a", None);
    bench.give(page);
    bench.settle();
    let heard = bench.hear(one);
    assert_eq!(numbers(&heard), Vec::from_iter(0..20));
    let joined = |said: &Said| matches!(said, Said::Push(Push::Join { member, .. }) if *member.session == *format!("s{newcomer}"));
    assert_eq!(heard.iter().filter(|said| joined(said)).count(), 1);
}

#[test]
fn what_is_told_while_a_lost_page_is_on_its_way_is_not_missed() {
    let (mut bench, writer, _) = with_history();
    let told = |bench: &mut Bench, text| {
        bench.ask(writer, publish("lag:a", text));
        bench.withhold(|message| matches!(message, ToShard::Notice(_)))
    };
    // The first is lost on its way: the shard reads, and hears of the third before it has an answer.
    let lost = told(&mut bench, 20);
    let second = told(&mut bench, 21);
    bench.give(second.clone());
    let ToShard::Done(ticket, _) = bench.withhold(is_page) else {
        panic!("a page")
    };
    let third = told(&mut bench, 22);
    bench.give(third);
    let (ToShard::Notice(Notice::Record { publication, .. }), ToShard::Notice(_)) = (second, lost)
    else {
        panic!("records")
    };
    let gone = Fault::Gone(publication.pos.unwrap());
    bench.give(ToShard::Done(ticket, Done::Page(Err(gone))));
    bench.settle();
    let heard = bench.hear(writer);
    let lags = lags(&heard);
    assert!(matches!(lags[..], [lag] if lag.pos == publication.pos && !lag.recovering));
    assert_eq!(numbers(&heard), [22]);
}

#[test]
fn whose_own_read_was_ahead_of_a_loss_is_told_of_none() {
    let (mut bench, writer, beginning) = with_history();
    // This shard hears nothing of ten records; somebody who comes back reads them.
    for text in 20..30 {
        bench.ask(writer, publish("lag:a", text));
        bench.withhold(|message| matches!(message, ToShard::Notice(_)));
    }
    let back = bench.join(1 << 20);
    let heard = bench.subscribe(back, "lag:a", Some(beginning));
    assert_eq!(numbers(&heard), Vec::from_iter(0..30));
    // Then it hears that there are more, and that what it missed is trimmed.
    bench.ask(writer, publish("lag:a", 30));
    bench.settle_but(is_page);
    let ToShard::Done(ticket, _) = bench.withhold(is_page) else {
        panic!("a page")
    };
    let head = position(&heard).unwrap();
    let gone = Fault::Gone(Pos::new(head.term, head.offset + 1));
    bench.give(ToShard::Done(ticket, Done::Page(Err(gone))));
    bench.settle();
    let heard = bench.hear(back);
    assert!(lags(&heard).is_empty());
    assert_eq!(numbers(&heard), [30]);
    assert_eq!(lags(&bench.hear(writer)).len(), 1);
}

fn is_rate_limited(heard: &[Said]) -> bool {
    let limited = |reply: &&Reply| {
        matches!(
            reply,
            Reply::Error {
                code: ErrorCode::RateLimited,
                retry_after_ms: Some(1..),
                ..
            }
        )
    };
    replies(heard).iter().any(limited)
}

#[test]
fn who_subscribes_to_one_name_after_the_other_is_slowed_down_and_leaves_little_behind() {
    let mut bench = Bench::new(|limits| limits.subscriptions = 10);
    let one = bench.join(1 << 20);
    let mut made = 0;
    for second in 0..10 {
        let mut name = 0;
        while !is_rate_limited(&bench.subscribe(one, &format!("leave:{second}-{name}"), None)) {
            bench.ask(one, unsubscribe(&format!("leave:{second}-{name}")));
            name += 1;
        }
        made += name;
        bench.wait(1000);
    }
    assert!(made < 64 + 10 * 40, "{made}");
    let mut bench = Bench::new(|limits| limits.subscriptions = 100_000);
    let one = bench.join(1 << 20);
    for name in 0..20_000 {
        bench.subscribe(one, &format!("leave:{name}"), None);
        bench.ask(one, unsubscribe(&format!("leave:{name}")));
    }
    bench.wait(1);
    let left = bench.shard.counters().channels;
    assert!(left <= 4096, "{left}");
    bench.wait(5_000);
    assert_eq!(bench.shard.counters().channels, 0);
}

#[test]
fn who_changes_its_name_again_and_again_is_not_told_to_everybody() {
    let mut bench = Bench::new(|limits| limits.subscriptions = 10);
    let [ann, eve] = [1 << 20; 2].map(|room| bench.join(room));
    let watch = Command::Subscribe {
        channel: crate::bench::channel("leave:a"),
        since: None,
        history: 0,
        presence: true,
    };
    bench.ask(ann, watch);
    bench.subscribe(eve, "leave:a", None);
    let mut limited = false;
    for number in 0..1000 {
        let rename = Command::Auth {
            client: None,
            name: Some(format!("eve{number}").into()),
            binary: false,
        };
        bench.ask(eve, rename);
        bench.settle();
        limited |= is_rate_limited(&bench.hear(eve));
    }
    let heard = bench.hear(ann);
    let joins = heard
        .iter()
        .filter(|said| matches!(said, Said::Push(Push::Join { .. })));
    assert!(limited && joins.count() < 100);
}
