//! The extractor's WebSocket: messages of every kind and size, control frames, bad ends, waiting.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used)]

#[path = "common/axum_app.rs"]
mod axum_app;
mod common;
use ::axum::Router;
use ::axum::routing::any;
use axum_app::*;
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tidewire::Error;
use tidewire::axum::{CloseFrame, Message, WebSocketUpgrade, close_code};
use tidewire_proto::SendError;
use tidewire_testkit::RawFrame;
use tokio::sync::mpsc;
use tokio::time::timeout;

#[tokio::test]
async fn messages_of_every_size_come_back_compressed() {
    let addr = listen(echo_app()).await;
    let mut ws = client_of(addr, "/echo").connect().await.unwrap();
    assert!(ws.deflate().is_some());
    for size in [0, 1, 10_000, 1 << 20] {
        let text = "abcdefgh".repeat(size / 8);
        ws.send(&text).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(&*text));
        ws.send(vec![1; size]).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_bytes(), vec![1; size]);
    }
}

#[tokio::test]
async fn control_frames_are_seen_and_answered_without_help() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |ws: WebSocketUpgrade| async move {
        ws.on_upgrade(|mut socket| async move {
            socket.send(Message::Ping("ours".into())).await.unwrap();
            socket.send(Message::Pong("unasked".into())).await.unwrap();
            while let Some(message) = socket.next().await {
                tell.send(Some(message.unwrap())).unwrap();
            }
            socket.close().await.unwrap(); // it is closed already
            tell.send(None).unwrap();
        })
    };
    let mut raw = raw_of(Router::new().route("/", any(handler)), "/").await;
    raw.read_head().await;
    raw.expect("PING \"ours\" [4 bytes]").await;
    raw.expect("PONG \"unasked\" [7 bytes]").await;
    raw.send(RawFrame::ping("theirs")).await;
    raw.expect("PONG \"theirs\" [6 bytes]").await;
    raw.send_all(&[RawFrame::pong("ours"), RawFrame::close(4321, "done")])
        .await;
    raw.expect_close(4321).await;
    raw.expect_end().await;
    let done = CloseFrame {
        code: 4321,
        reason: "done".into(),
    };
    for expected in [
        Message::Ping("theirs".into()),
        Message::Pong("ours".into()),
        Message::Close(Some(done)),
    ] {
        assert_eq!(told.recv().await.unwrap(), Some(expected));
    }
    assert_eq!(told.recv().await.unwrap(), None, "the end");
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_and_the_connection_goes_on() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_upgrade(|mut socket| async move {
            let close = |code, reason: &str| {
                let reason = reason.into();
                Message::Close(Some(CloseFrame { code, reason }))
            };
            let long = "x".repeat(126);
            for (message, misuse) in [
                (
                    Message::Ping(long.clone().into()),
                    SendError::ControlTooLong,
                ),
                (
                    Message::Pong(long.clone().into()),
                    SendError::ControlTooLong,
                ),
                (close(1000, &long), SendError::ReasonTooLong),
                (close(1006, ""), SendError::CodeNotAllowed(1006.into())),
            ] {
                let error = socket.send(message).await.unwrap_err().into_inner();
                let error = error.downcast::<Error>().unwrap();
                assert!(
                    matches!(*error, Error::Misuse(told) if told == misuse),
                    "{error}"
                );
            }
            socket.send(Message::text("still here")).await.unwrap();
            socket
                .send(close(close_code::RESTART, "later"))
                .await
                .unwrap();
            let late = socket
                .send(Message::text("too late"))
                .await
                .unwrap_err()
                .into_inner();
            assert!(late.downcast::<Error>().is_ok());
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    let addr = listen(Router::new().route("/", any(handler))).await;
    let mut ws = client_of(addr, "/").connect().await.unwrap();
    let message = ws.recv().await.unwrap().unwrap();
    assert_eq!(message.as_text(), Some("still here"));
    let Err(Error::Closed(story)) = ws.recv().await else {
        panic!("closed with a code");
    };
    assert_eq!(
        story.received.unwrap().to_string(),
        "1012 (service restart): later"
    );
}

#[tokio::test]
async fn a_stream_forwards_into_a_sink() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_upgrade(|socket| async {
            let (sink, stream) = socket.split();
            let messages = stream.take(3);
            messages.forward(sink).await.unwrap();
        })
    };
    let addr = listen(Router::new().route("/", any(handler))).await;
    let mut ws = client_of(addr, "/").connect().await.unwrap();
    for text in ["one", "two", "three"] {
        ws.send(text).await.unwrap();
        assert_eq!(ws.recv().await.unwrap().unwrap().as_text(), Some(text));
    }
    // `forward` closes the sink behind the last one.
    assert_eq!(ws.recv().await.unwrap(), None);
}

#[tokio::test]
async fn a_broken_rule_is_one_error_and_then_the_end() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let handler = move |ws: WebSocketUpgrade| async move {
        ws.on_upgrade(|mut socket| async move {
            let error = socket.recv().await.unwrap().unwrap_err();
            tell.send(error.to_string()).unwrap();
            assert!(socket.recv().await.is_none());
            tell.send("the end".to_owned()).unwrap();
        })
    };
    let mut raw = raw_of(Router::new().route("/", any(handler)), "/").await;
    raw.read_head().await;
    raw.send(RawFrame::text([0xff])).await;
    raw.expect_close(1007).await;
    let error = told.recv().await.unwrap();
    assert!(error.contains("UTF-8"), "{error}");
    assert_eq!(told.recv().await.unwrap(), "the end");
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_own_connection() {
    let handler = |ws: WebSocketUpgrade| async {
        ws.on_upgrade(|mut socket| async move {
            let _ = socket.recv().await;
            panic!("this panic belongs to the test");
        })
    };
    let addr = listen(echo_app().route("/panic", any(handler))).await;
    let mut other = client_of(addr, "/echo").connect().await.unwrap();
    let mut ws = client_of(addr, "/panic").connect().await.unwrap();
    ws.send("now").await.unwrap();
    let end = timeout(PATIENCE, ws.recv()).await.unwrap();
    assert!(end.is_err(), "{end:?}");
    other.send("still here").await.unwrap();
    assert_eq!(
        other.recv().await.unwrap().unwrap().as_text(),
        Some("still here")
    );
    client_of(addr, "/echo").connect().await.unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_read_makes_the_sender_wait() {
    const MIB: usize = 1 << 20;
    let (tell, mut told) = mpsc::unbounded_channel();
    let tell_too = tell.clone();
    let handler = move |ws: WebSocketUpgrade| async move {
        let ws = ws.max_write_buffer_size(1000).deflate(None);
        ws.on_upgrade(|mut socket| async move {
            for _ in 0..64 {
                let message = Message::binary(vec![0; MIB]);
                socket.send(message).await.unwrap();
                tell.send(()).unwrap();
            }
        })
    };
    let half = move |ws: WebSocketUpgrade| async move {
        ws.deflate(None).on_upgrade(|socket| async move {
            let (mut sink, _stream) = socket.split();
            for _ in 0..64 {
                let message = Message::binary(vec![0; MIB]);
                sink.send(message).await.unwrap();
                tell_too.send(()).unwrap();
            }
            sink.close().await.unwrap();
        })
    };
    let app = Router::new().route("/", any(handler));
    let addr = listen(app.route("/half", any(half))).await;
    for path in ["/", "/half"] {
        let mut ws = client_of(addr, path).connect().await.unwrap();
        told.recv().await.unwrap();
        // Sockets hold some megabytes; that is all that is sent while nothing is read.
        let mut sent = 1;
        while timeout(Duration::from_millis(300), told.recv())
            .await
            .is_ok()
        {
            sent += 1;
        }
        assert!(sent < 64, "{sent} messages were taken at once");
        for _ in 0..64 {
            assert_eq!(ws.recv().await.unwrap().unwrap().len(), MIB);
        }
        for _ in sent..64 {
            timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
        }
    }
}
