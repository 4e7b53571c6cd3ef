//! What one turn may do, and what others wait meanwhile.

use crate::bench::{Bench, numbers, publish, recovered};
use crate::net::Said;
use tidewire_hub_core::ToShard;
use tidewire_hub_proto::{Command, Push, Reply};

const FLOOD: usize = 10_000;
const VISITS: usize = 512;

/// Turns that a small channel may wait beside one of any size: the one in which its message comes, and
/// the one that flushes what was queued before it.
const WAIT: usize = 2;

#[test]
fn a_small_channel_waits_two_turns_at_most_beside_a_flood() {
    let mut bench = Bench::new(|limits| limits.recent_bytes = 0);
    let (writer, listener) = (bench.join(1 << 20), bench.join(1 << 20));
    bench.subscribe(listener, "leave:small", None);
    let crowd: Vec<u64> = (0..FLOOD).map(|_| bench.join(1 << 20)).collect();
    for &one in &crowd {
        bench.ask(one, crate::bench::subscribe("leave:big", None));
    }
    bench.settle();
    let mut most = 0;
    for text in 0..50 {
        // The flood never ends: each turn brings another.
        bench.ask(writer, publish("leave:big", text));
        if text == 0 {
            bench.turn(VISITS);
        }
        bench.ask(writer, publish("leave:small", text));
        let mail = std::mem::take(&mut bench.mail);
        mail.into_iter().for_each(|message| bench.give(message));
        let mut turns = 0;
        loop {
            turns += 1;
            let before = bench.net.delivered;
            assert!(bench.turn(VISITS), "the flood is not over");
            assert!(
                bench.net.delivered - before <= VISITS as u64 * 60,
                "bounded"
            );
            if numbers(&bench.hear(listener)) == [text] {
                break;
            }
            assert!(turns < 100, "it never came");
        }
        most = most.max(turns);
    }
    println!("a small channel waited {most} turns beside {FLOOD} subscribers");
    assert!(most <= WAIT, "{most} turns");
    bench.settle();
    for one in crowd {
        let heard = numbers(&bench.hear(one));
        assert_eq!(heard, Vec::from_iter(0..50), "and the crowd misses nothing");
    }
    assert_eq!(
        bench.shard.counters().recovered,
        0,
        "and nobody had to read"
    );
}

#[test]
fn a_turn_flushes_no_more_than_it_may_visit() {
    let mut bench = Bench::new(|_| ());
    let writer = bench.join(1 << 20);
    let crowd: Vec<u64> = (0..2_000).map(|_| bench.join(1 << 20)).collect();
    for &one in &crowd {
        bench.ask(one, crate::bench::subscribe("leave:big", None));
    }
    bench.settle();
    bench.net.touched.clear();
    bench.ask(writer, publish("leave:big", 0));
    let mail = std::mem::take(&mut bench.mail);
    mail.into_iter().for_each(|message| bench.give(message));
    let mut turns = 1;
    while bench.turn(VISITS) {
        assert!(
            bench.net.touched.len() <= VISITS + 1,
            "outboxes touched in a turn"
        );
        bench.net.touched.clear();
        turns += 1;
    }
    assert!((4..=9).contains(&turns), "{turns} turns for 2,000");
}

#[test]
fn whoever_leaves_in_the_middle_of_a_pass_takes_nobody_with_it() {
    let mut bench = Bench::new(|limits| limits.recent_bytes = 0);
    let writer = bench.join(1 << 20);
    let crowd: Vec<u64> = (0..300).map(|_| bench.join(1 << 20)).collect();
    for &one in &crowd {
        bench.ask(one, crate::bench::subscribe("leave:big", None));
    }
    bench.settle();
    bench.ask(writer, publish("leave:big", 7));
    let mail = std::mem::take(&mut bench.mail);
    mail.into_iter().for_each(|message| bench.give(message));
    assert!(bench.turn(100));
    // Some that had it, and some that had not.
    for &gone in [0, 10, 60, 150, 299].iter().map(|at| &crowd[*at]) {
        bench.drop_out(gone);
    }
    bench.settle();
    for one in crowd {
        if bench.net.conns.contains_key(&one) {
            assert_eq!(numbers(&bench.hear(one)), [7], "session {one}");
        }
    }
}

#[test]
fn an_idle_channel_gives_its_position() {
    let mut bench = Bench::new(|limits| limits.recent_bytes = 0);
    let (writer, one) = (bench.join(1 << 20), bench.join(1 << 20));
    let heard = bench.subscribe(one, "leave:a", None);
    let beginning = crate::bench::position(&heard).unwrap();
    assert_eq!(beginning.offset, 0, "nothing has been published");
    bench.publish(writer, "leave:a", [1, 2]);
    let last = crate::bench::position(&bench.hear(one)).unwrap();
    bench.drop_out(one);
    bench.wait(60_000);
    let back = bench.join(1 << 20);
    let heard = bench.subscribe(back, "leave:a", Some(last));
    assert_eq!(recovered(&heard), [Some(true)]);
    assert_eq!(crate::bench::position(&heard), Some(last));
    assert!(numbers(&heard).is_empty());
    let other = bench.join(1 << 20);
    assert_eq!(
        crate::bench::position(&bench.subscribe(other, "leave:a", None)),
        Some(last)
    );
    let third = bench.join(1 << 20);
    assert_eq!(
        numbers(&bench.subscribe(third, "leave:a", Some(beginning))),
        [1, 2]
    );
}

#[test]
fn history_at_subscribe_is_the_newest_and_then_live() {
    let mut bench = Bench::new(|_| ());
    let (writer, one) = (bench.join(1 << 20), bench.join(1 << 20));
    bench.publish(writer, "leave:a", 0..30);
    for (history, first) in [(5, 25), (30, 0), (100, 0)] {
        let channel = crate::bench::channel("leave:a");
        let subscribe = Command::Subscribe {
            channel,
            since: None,
            history,
            presence: false,
        };
        bench.ask(one, subscribe);
        bench.settle();
        let heard = bench.hear(one);
        assert_eq!(recovered(&heard), [None]);
        assert_eq!(numbers(&heard), Vec::from_iter(first..30));
        let live = |said: &Said| matches!(said, Said::Push(Push::Live { .. }));
        assert!(heard.last().is_some_and(live));
        bench.ask(one, crate::bench::unsubscribe("leave:a"));
        bench.settle();
        bench.hear(one);
    }
}

fn answers(heard: &[Said]) -> usize {
    let is = |said: &&Said| {
        matches!(
            said,
            Said::Push(Push::Reply {
                reply: Reply::Published { .. },
                ..
            })
        )
    };
    heard.iter().filter(is).count()
}

#[test]
fn whoever_has_enough_under_way_waits_and_is_let_go_on() {
    let mut bench = Bench::new(|limits| limits.in_flight = 10);
    let writer = bench.join(1 << 20);
    for text in 0..10 {
        assert_eq!(bench.ask(writer, publish("leave:a", text)), text < 9);
    }
    // A batch is taken whole, all the same.
    for text in 10..20 {
        assert!(!bench.ask(writer, publish("leave:a", text)));
    }
    assert!(bench.net.resumed.is_empty());
    let mut done: Vec<ToShard> = bench.mail.drain(..).collect();
    let last = done.split_off(11);
    done.into_iter()
        .rev()
        .for_each(|message| bench.give(message));
    assert_eq!(bench.net.resumed, [writer], "told once that it may go on");
    last.into_iter().for_each(|message| bench.give(message));
    bench.settle();
    assert_eq!(bench.net.resumed, [writer]);
    assert_eq!(
        answers(&bench.hear(writer)),
        20,
        "each command has its answer"
    );
}

#[test]
fn whoever_asks_and_does_not_read_is_not_read_either() {
    let mut bench = Bench::new(|limits| limits.outbox = 1_000);
    let writer = bench.join(100);
    let mut asked = 0;
    while bench.ask(writer, publish("leave:a", asked)) {
        bench.settle();
        asked += 1;
        assert!(asked < 1_000, "it is never full");
    }
    bench.settle();
    assert!(bench.net.conns[&writer].most <= 1_100);
    assert!(bench.net.resumed.is_empty());
    assert_eq!(answers(&bench.hear(writer)), asked + 1);
    assert_eq!(bench.net.resumed, [writer]);
}
