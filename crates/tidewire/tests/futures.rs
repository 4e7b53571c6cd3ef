//! Connections and their halves as `Stream` and `Sink`.

#![cfg(feature = "futures")]
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use futures_util::stream::{FusedStream, TryStreamExt, iter};
use futures_util::{Sink, SinkExt, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake};
use std::time::Duration;
use tidewire::test_util::{Network, Way, pair};
use tidewire::{Client, Error, Message, Receiver, Server, WebSocket};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn numbers(count: u32) -> Vec<Message> {
    (0..count).map(|n| n.to_be_bytes().into()).collect()
}

/// Receives until the connection is over; whether it was closed in order.
async fn drain(mut receiver: Receiver) -> bool {
    while receiver.by_ref().next().await.is_some() {}
    receiver.close_story().unwrap().is_clean()
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_an_orderly_close_and_stays_at_its_end() {
    let (mut client, mut server) = pair().await;
    let sending = async {
        for message in numbers(3) {
            server.send(message).await.unwrap();
        }
        server.close(1001, "").await.unwrap()
    };
    let (messages, _) = tokio::join!(client.by_ref().try_collect::<Vec<_>>(), sending);
    assert_eq!(messages.unwrap(), numbers(3));
    for _ in 0..3 {
        assert!(client.is_terminated() && client.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_an_error_once_and_then_it_ends() {
    let abnormal: [fn(WebSocket, tidewire::test_util::Control); 3] = [
        |server, _| server.begin_close(4000, "no more").unwrap(),
        |server, _| drop(server),
        |_, control| control.reset(),
    ];
    for end in abnormal {
        let (client, server, control) = Network::new().pair().await;
        let (_sender, mut receiver) = client.split();
        server.send("last").await.unwrap();
        assert_eq!(receiver.next().await.unwrap().unwrap(), "last");
        assert!(!receiver.is_terminated());
        end(server, control);
        let told = receiver.next().await;
        assert!(
            matches!(told, Some(Err(Error::Closed(_) | Error::Io(_)))),
            "{told:?}"
        );
        for _ in 0..3 {
            assert!(receiver.is_terminated() && receiver.next().await.is_none());
        }
        assert!(receiver.recv().await.is_err(), "recv tells it for ever");
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_is_a_stream_forwarded_into_a_sink() {
    let (client, server) = pair().await;
    let (echo, heard) = server.split();
    let echo = tokio::spawn(heard.forward(echo));
    let (mut sender, receiver) = client.split();
    let sending = tokio::spawn(async move {
        let mut all = iter(numbers(5000)).map(Ok);
        sender.send_all(&mut all).await.unwrap();
        sender
    });
    let back: Vec<_> = receiver.take(5000).try_collect().await.unwrap();
    assert_eq!(back, numbers(5000));
    let sender = sending.await.unwrap();
    sender.begin_close(1000, "").unwrap();
    echo.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_whole_connection_can_be_split_by_its_traits_and_both_tasks_are_woken() {
    let network = Network::new().torn(1..=100).buffer(200);
    let client = Client::new("ws://localhost/").high_water(300);
    let (client, server, _) = network.pair_with(client, &Server::new()).await;
    let (echo, heard) = StreamExt::split(server);
    let echo = tokio::spawn(heard.forward(echo));
    let (mut sink, stream) = StreamExt::split(client);
    let reading = tokio::spawn(stream.take(500).try_collect::<Vec<_>>());
    for message in numbers(500) {
        SinkExt::send(&mut sink, message).await.unwrap();
    }
    assert_eq!(reading.await.unwrap().unwrap(), numbers(500));
    SinkExt::close(&mut sink).await.unwrap();
    echo.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn sinks_of_many_tasks_wait_for_room_and_all_are_woken() {
    let server = Server::new().high_water(1000);
    let network = Network::new().buffer(256);
    let (mut client, server, _) = network.pair_with(client(), &server).await;
    let (sender, _receiver) = server.split();
    let tasks: Vec<_> = (0..20u8)
        .map(|task| {
            let mut sender = sender.clone();
            tokio::spawn(async move {
                let mut all = iter((0..5).map(|_| Ok(vec![task; 900].into())));
                SinkExt::send_all(&mut sender, &mut all).await.unwrap();
            })
        })
        .collect();
    sleep(SECOND).await;
    let done = tasks.iter().filter(|task| task.is_finished()).count();
    assert!(done < 5, "{done} tasks did not wait");
    let mut seen = [0; 20];
    for _ in 0..100 {
        let message = client.recv().await.unwrap().unwrap();
        assert_eq!(message.len(), 900);
        seen[usize::from(message.as_bytes()[0])] += 1;
    }
    assert_eq!(seen, [5; 20]);
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_started_leaves_with_a_flush_or_once_the_poll_returns() {
    let network = Network::new().buffer(2000);
    let (mut client, server, control) = network.pair_with(client(), &self::server()).await;
    let (mut sender, _receiver) = server.split();
    let before = control.writes(Way::Down);
    for message in numbers(10) {
        SinkExt::feed(&mut sender, message).await.unwrap();
    }
    assert_eq!(control.writes(Way::Down), before);
    SinkExt::<Message>::flush(&mut sender).await.unwrap();
    assert_eq!(control.writes(Way::Down), before + 1);

    // Nobody flushes this one.
    SinkExt::feed(&mut sender, "left alone".into())
        .await
        .unwrap();
    for message in numbers(10) {
        assert_eq!(client.recv().await.unwrap(), Some(message));
    }
    let last = timeout(SECOND, client.recv()).await.unwrap();
    assert_eq!(last.unwrap().unwrap(), "left alone");

    // A flush waits until the network has taken everything.
    SinkExt::feed(&mut sender, vec![0; 5000].into())
        .await
        .unwrap();
    let mut flush = tokio::spawn(async move { SinkExt::<Message>::flush(&mut sender).await });
    assert!(timeout(SECOND, &mut flush).await.is_err());
    assert_eq!(client.recv().await.unwrap().unwrap().len(), 5000);
    flush.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_a_whole_connection_waits_for_its_end() {
    let latency = Duration::from_millis(100);
    let network = Network::new().latency(latency);
    let (mut client, mut server, _) = network.pair().await;
    let serving = tokio::spawn(async move {
        server.send("on its way").await.unwrap();
        server.recv().await
    });
    let (closed, time) = seconds(SinkExt::close(&mut client)).await;
    closed.unwrap();
    assert!((0.2..0.25).contains(&time), "{time}");
    assert!(client.close_story().unwrap().is_clean());
    assert_eq!(serving.await.unwrap().unwrap(), None);
    // Once more is no harm, and nothing more can be sent.
    SinkExt::close(&mut client).await.unwrap();
    let late = SinkExt::send(&mut client, "late".into()).await;
    assert!(matches!(late, Err(Error::Closed(_))), "{late:?}");
    assert!(Pin::new(&mut client).start_send("late".into()).is_err());
}

#[tokio::test(start_paused = true)]
async fn closing_one_half_leaves_the_other_what_still_comes() {
    let network = Network::new().latency(Duration::from_millis(100));
    let (client, server, _) = network.pair().await;
    let (mut sender, receiver) = client.split();
    let (answering, heard) = server.split();
    for message in numbers(50) {
        answering.send(message).await.unwrap();
    }
    let serving = tokio::spawn(drain(heard));
    SinkExt::send(&mut sender, "done".into()).await.unwrap();
    SinkExt::close(&mut sender).await.unwrap();
    let messages: Vec<_> = receiver.try_collect().await.unwrap();
    assert_eq!(messages, numbers(50));
    assert!(serving.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn closing_what_failed_is_an_error_and_what_ended_in_order_is_not() {
    let (mut client, server) = pair().await;
    drop(server);
    assert!(client.recv().await.is_err());
    assert!(SinkExt::close(&mut client).await.is_err());
    let (mut sender, _) = client.split();
    assert!(SinkExt::close(&mut sender).await.is_err());

    let (client, mut server) = pair().await;
    let (mut sender, mut receiver) = client.split();
    let (closed, end) = tokio::join!(server.close(1000, ""), receiver.next());
    assert!(closed.unwrap().is_clean() && end.is_none());
    SinkExt::close(&mut sender).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sinks_that_gave_up_waiting_leave_no_waker_behind() {
    struct Counted;
    impl Wake for Counted {
        fn wake(self: Arc<Self>) {}
    }
    let network = Network::new().buffer(512);
    let (_client, server, _) = network.pair_with(client(), &server()).await;
    let (sender, _receiver) = server.split();
    sender.send(vec![0; 70_000]).await.unwrap(); // over the high-water mark
    let counted = Arc::new(Counted);
    let waker = counted.clone().into();
    let mut cx = Context::from_waker(&waker);
    for _ in 0..100 {
        let mut sender = sender.clone();
        for _ in 0..3 {
            assert!(Pin::new(&mut sender).poll_ready(&mut cx).is_pending());
            assert!(Sink::<Message>::poll_flush(Pin::new(&mut sender), &mut cx).is_pending());
        }
        assert!(Arc::strong_count(&counted) <= 3);
    }
    assert_eq!(Arc::strong_count(&counted), 2);
}
