//! Connections in many runtimes, one after another and at once; runtimes that end under them.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tidewire::Message;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::runtime::{Builder, Runtime};

/// The count of file descriptors belongs to the process: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Talks over TCP, leaves one connection idle in a task and one blocked, and ends in the middle.
async fn talk_and_leave() {
    let listener = tidewire::Listener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        listener
            .serve(|mut ws| async move {
                let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
            })
            .await
    });
    let mut ws = tidewire::connect(&url).await.unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.recv().await.unwrap(), Some(Message::text("hello")));
    tokio::spawn(async move { ws.recv().await });
    let blocked = tidewire::connect(&url).await.unwrap();
    blocked.send(vec![0; 30_000_000]).await.unwrap();
    blocked
        .feed("left on the flusher's list")
        .await
        .unwrap_or(());
    tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(blocked);
    });
}

/// File descriptors open in this process (Linux alone tells).
fn open_files() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

#[test]
fn runtimes_in_sequence_and_at_once_leave_nothing_behind() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    current_thread().block_on(talk_and_leave()); // what a process opens once
    let before = open_files();
    for round in 0..6 {
        let runtime = if round % 2 == 0 {
            current_thread()
        } else {
            multi_thread()
        };
        runtime.block_on(talk_and_leave());
    }
    let threads: Vec<_> = (0..6)
        .map(|n| {
            std::thread::spawn(move || {
                let runtime = if n % 2 == 0 {
                    current_thread()
                } else {
                    multi_thread()
                };
                for _ in 0..3 {
                    runtime.block_on(talk_and_leave());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(open_files(), before);
}

/// A pipe that counts how many of it there are.
struct Alive(DuplexStream, Arc<AtomicUsize>);

impl Alive {
    fn new(io: DuplexStream, count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(io, count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for Alive {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Alive {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[test]
fn connections_that_outlive_their_runtime_are_freed() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let count = Arc::new(AtomicUsize::new(0));
    let runtime = current_thread();
    let (peer, ws) = runtime.block_on(async {
        let (a, b) = duplex(512);
        let (peer, ws) = raw_client_of(server(), a, Alive::new(b, &count)).await;
        ws.send(vec![0; 2000]).await.unwrap(); // more than the pipe takes: its writer waits
        (peer, ws)
    });
    drop(runtime);
    drop(peer); // wakes the writer, whose runtime is gone
    ws.try_flush();
    let other = current_thread();
    let _ = other.block_on(ws.feed("nobody flushes this"));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    drop(ws);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[test]
fn a_dropped_connection_is_freed_whatever_lists_it_was_on() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let count = Arc::new(AtomicUsize::new(0));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        for n in 0..100 {
            let (a, b) = duplex(512);
            let (peer, ws) = raw_client_of(server(), a, Alive::new(b, &count)).await;
            let _ = impatient(ws.send(vec![0; n * 50]), 0).await;
            let _ = ws.feed("fed").await;
            if n % 2 == 0 {
                drop(peer);
            }
        }
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        assert_eq!(count.load(Ordering::SeqCst), 0);
    });
}
