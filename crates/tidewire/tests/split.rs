//! The two halves of a connection in different tasks.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::time::Duration;
use tidewire::{ClosedBy, Error, Message};
use tidewire_testkit::RawFrame;
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clones_send_from_many_tasks_and_messages_stay_whole() {
    let (client, server) = pair_with(2000).await;
    let (sender, mut echoed) = client.split();
    let (back, mut receiver) = server.split();
    let echo = tokio::spawn(async move {
        while let Some(message) = receiver.recv().await.unwrap() {
            back.send(message).await.unwrap();
        }
    });
    for task in 0..8u8 {
        let sender = sender.clone();
        tokio::spawn(async move {
            for n in 0..200u8 {
                let len = usize::from(n) * 40;
                sender
                    .send([&[task, n][..], &vec![task; len]].concat())
                    .await
                    .unwrap();
                if n % 16 == 0 {
                    let _ = sender.ping(&[task]);
                }
            }
        });
    }
    let mut next = [0u8; 8];
    for _ in 0..8 * 200 {
        let message = echoed.recv().await.unwrap().unwrap();
        let [task, n, rest @ ..] = message.as_bytes() else {
            panic!("{message:?}")
        };
        assert_eq!(next[usize::from(*task)], *n, "the order of one task");
        assert!(rest.len() == usize::from(*n) * 40 && rest.iter().all(|byte| byte == task));
        next[usize::from(*task)] += 1;
    }
    sender.begin_close(1000, "").unwrap();
    assert_eq!(echoed.recv().await.unwrap(), None);
    echo.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ping_pong_and_close_work_while_split() {
    let (mut peer, ws) = raw_client(server(), 4096).await;
    let (sender, mut receiver) = ws.split();
    assert!(sender.belongs_to(&receiver));
    let receiving = tokio::spawn(async move { (receiver.recv().await, receiver) });
    peer.send(RawFrame::ping("x")).await;
    peer.expect("PONG \"x\" [1 byte]").await;
    sender.ping(b"y").unwrap();
    peer.expect("PING \"y\" [1 byte]").await;
    peer.send(RawFrame::close(1001, "")).await;
    peer.expect_close(1001).await;
    peer.expect_end().await;
    assert_eq!(receiving.await.unwrap().0.unwrap(), None);
    assert!(matches!(sender.send("late").await, Err(Error::Closed(_))));
    assert_eq!(sender.close_story().unwrap().by, ClosedBy::Peer);
}

#[tokio::test(start_paused = true)]
async fn a_close_by_the_sender_is_seen_by_the_receiver() {
    let (client, mut server) = pair().await;
    let (sender, mut receiver) = client.split();
    let receiving = tokio::spawn(async move { receiver.recv().await });
    sleep(Duration::from_secs(1)).await;
    sender.begin_close(1000, "").unwrap();
    assert_eq!(server.recv().await.unwrap(), None);
    assert_eq!(receiving.await.unwrap().unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn without_its_receiver_a_sender_still_sends_and_closes_in_time() {
    let (mut peer, ws) = raw_client(server(), 4096).await;
    let (sender, receiver) = ws.split();
    drop(receiver);
    sender.send("alone").await.unwrap();
    peer.expect("TEXT \"alone\" [5 bytes]").await;
    sender.begin_close(1000, "").unwrap();
    peer.expect_close(1000).await;
    let (end, time) = seconds(peer.next()).await;
    assert_eq!(end, None);
    assert!((5.0..5.3).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn without_its_senders_a_receiver_still_receives_and_answers() {
    let (mut peer, ws) = raw_client(server(), 4096).await;
    let (sender, mut receiver) = ws.split();
    drop(sender);
    peer.send_all(&[RawFrame::ping("p"), RawFrame::text("t")])
        .await;
    assert_eq!(receiver.recv().await.unwrap(), Some(Message::text("t")));
    peer.expect("PONG \"p\" [1 byte]").await;
    drop(receiver);
    assert_eq!(
        timeout(Duration::from_secs(1), peer.next()).await.unwrap(),
        None
    );
}
