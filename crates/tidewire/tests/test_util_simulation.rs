//! Random programs on both sides of random networks: what was sent before a close arrives once and in
//! order, and both sides tell the same story of the end.

#![allow(clippy::unwrap_used)]

use std::time::Duration;
use tidewire::test_util::{Cancelling, Network, cancel_often};
use tidewire::{
    Client, CloseCode, CloseStory, ClosedBy, Config, DeflateConfig, Error, Message, Receiver,
    Sender, Server,
};
use tidewire_testkit::Random;
use tokio::time::{sleep, timeout};

/// What a side does next.
#[derive(Debug)]
enum Step {
    Send(Message),
    Feed(Message),
    Flush,
    Ping(u8),
    Sleep(Duration),
}

fn program(random: &mut Random) -> Vec<Step> {
    let mut number = 0u32;
    let mut message = |random: &mut Random| {
        number += 1;
        let len = [0, 3, 60, 125, 126, 700, 3000][random.below(7)];
        match random.below(3) {
            0 => Message::text(format!("{number} {}", "ü".repeat(len / 2))),
            1 => Message::binary([&number.to_be_bytes()[..], &random.bytes(len)].concat()),
            _ => Message::binary([number.to_be_bytes().to_vec(), vec![5; len]].concat()),
        }
    };
    (0..random.below(25))
        .map(|_| match random.below(10) {
            0..=4 => Step::Send(message(random)),
            5 | 6 => Step::Feed(message(random)),
            7 => Step::Flush,
            8 => Step::Ping(random.below(126) as u8),
            _ => Step::Sleep(Duration::from_millis(random.below(2000) as u64)),
        })
        .collect()
}

/// What one side knows at the end.
struct Told {
    sent: Vec<Message>,
    received: Vec<Message>,
    story: CloseStory,
}

/// Runs a program and then closes, unless the peer did. What was taken for sending.
async fn talk(sender: Sender, program: Vec<Step>, seed: u64, closes: bool) -> Vec<Message> {
    let (mut cancelling, mut sent) = (Cancelling::new(seed), Vec::new());
    for step in program {
        let done = match &step {
            Step::Send(message) => cancel_often!(cancelling, sender.send(message.clone())),
            Step::Feed(message) => cancel_often!(cancelling, sender.feed(message.clone())),
            Step::Flush => cancel_often!(cancelling, sender.flush()),
            Step::Ping(len) => match sender.ping(&vec![1; usize::from(*len)]) {
                Err(Error::Misuse(_)) => Ok(()), // too many wait
                done => done,
            },
            Step::Sleep(time) => {
                sleep(*time).await;
                Ok(())
            }
        };
        match (done, step) {
            (Ok(()), Step::Send(message) | Step::Feed(message)) => sent.push(message),
            (Ok(()), _) => {}
            (Err(Error::Closed(_)), _) => return sent, // the peer was first
            (Err(error), step) => panic!("{step:?}: {error}"),
        }
    }
    if closes {
        sender.begin_close(1000, "done").unwrap();
    }
    sent
}

async fn listen(mut receiver: Receiver, seed: u64) -> (Vec<Message>, Receiver) {
    let (mut cancelling, mut received) = (Cancelling::new(seed), Vec::new());
    while let Some(message) = cancel_often!(cancelling, receiver.recv()).unwrap() {
        received.push(message);
    }
    (received, receiver)
}

async fn live(halves: (Sender, Receiver), program: Vec<Step>, seed: u64, closes: bool) -> Told {
    let (sender, receiver) = halves;
    let (sent, (received, receiver)) = tokio::join!(
        talk(sender, program, seed, closes),
        listen(receiver, seed + 1)
    );
    let story = receiver.close_story().unwrap();
    Told {
        sent,
        received,
        story,
    }
}

async fn simulate(seed: u64) {
    let mut random = Random::new(seed);
    let mut network = Network::new().seed(seed);
    if random.below(3) > 0 {
        network = network.torn(1..=[5, 50, 2000][random.below(3)]);
    }
    if random.below(2) == 0 {
        network = network.latency(Duration::from_millis(random.below(300) as u64));
    }
    if random.below(3) == 0 {
        network = network.jitter(Duration::from_millis(random.below(500) as u64));
    }
    if random.below(3) == 0 {
        network = network.bandwidth(20_000 + random.below(100_000) as u64);
    }
    network = network.buffer([200, 2000, 64 * 1024][random.below(3)]);
    let deflate = (random.below(2) == 0).then(|| {
        let takeover = random.below(2) == 0;
        DeflateConfig::default()
            .client_no_context_takeover(!takeover)
            .server_no_context_takeover(!takeover)
    });
    let high_water = [1, 500, 64 * 1024][random.below(3)];
    // What lies before the answer to a Close takes its time on a narrow wire.
    let config = Config::new().close_timeout(Duration::from_secs(600));
    let client = Client::new("ws://localhost/")
        .config(config.clone())
        .deflate(deflate.clone())
        .high_water(high_water);
    let server = Server::new()
        .config(config)
        .deflate(deflate)
        .high_water(high_water);
    let (client, server, _) = network.pair_with(client, &server).await;

    // One side closes at least.
    let (client_closes, server_closes) =
        [(true, true), (true, false), (false, true)][random.below(3)];
    let (ours, theirs) = (program(&mut random), program(&mut random));
    let (client, server) = tokio::join!(
        tokio::spawn(live(client.split(), ours, seed, client_closes)),
        tokio::spawn(live(server.split(), theirs, seed + 500_000, server_closes)),
    );
    let (client, server) = (client.unwrap(), server.unwrap());
    assert!(client.sent == server.received, "up, seed {seed}");
    assert!(server.sent == client.received, "down, seed {seed}");
    agree(&client.story, &server.story, seed);
}

/// What one said is what the other heard, and nobody blames the network.
fn agree(a: &CloseStory, b: &CloseStory, seed: u64) {
    assert_eq!(a.sent, b.received, "seed {seed}");
    assert_eq!(b.sent, a.received, "seed {seed}");
    assert!(a.is_clean() && b.is_clean(), "seed {seed}: {a} / {b}");
    let began = [a, b].iter().filter(|s| s.by == ClosedBy::Us).count();
    assert!(began >= 1, "seed {seed}: somebody began");
    for story in [a, b] {
        let code = story.received.as_ref().map(|frame| frame.code);
        assert_eq!(code, Some(CloseCode::NORMAL), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_before_a_close_arrives_once_and_in_order_and_the_stories_agree() {
    for seed in 0..400 {
        let hour = Duration::from_secs(3600);
        let done = timeout(hour, simulate(seed)).await;
        assert!(done.is_ok(), "seed {seed} hangs");
    }
}
