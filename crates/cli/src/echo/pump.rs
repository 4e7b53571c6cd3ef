//! One connection's life: every message goes back as it came, until somebody closes.

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tidewire::{CloseCode, CloseStory, ClosedBy, Event, Link, Received, WebSocket};

use super::Shard;

/// The task of one open connection. An idle connection is this, the task around it, and what the
/// library keeps: at 24 bytes tokio's task takes 128 bytes, above that 256 (a test keeps it so).
pub(super) struct Pump {
    ws: WebSocket,
    shard: Rc<Shard>,
    /// The connection's number in the thread.
    slot: u32,
    /// The last answer filled the queue: nothing is read before the peer has read some of it.
    full: bool,
    leaving: bool,
}

impl Pump {
    /// A connection that has entered its thread as number `slot`, and is counted in its load.
    pub(super) fn new(ws: WebSocket, shard: Rc<Shard>, slot: u32) -> Self {
        Pump {
            ws,
            shard,
            slot,
            full: false,
            leaving: false,
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.shard.exit(self.slot);
    }
}

impl Future for Pump {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Pump {
            ws,
            shard,
            slot,
            full,
            leaving,
        } = self.get_mut();
        if !*leaving && shard.open.poll_leave(*slot, cx).is_ready() {
            *leaving = true;
            // Behind what is queued; the end comes through what is received.
            _ = ws.begin_close(CloseCode::GOING_AWAY, "the server is stopping");
        }
        let logged = shard.plan.log.is_some();
        let prefix = shard.plan.prefix.as_deref();
        loop {
            if *full {
                // An error here is told, with its cause, by what is received next.
                _ = ready!(ws.poll_writable(cx));
                *full = false;
            }
            let received = ready!(ws.poll_receive(cx, |event, link| {
                if logged {
                    shard.logged(*slot, |log| log.received(&event));
                }
                answer(event, link, prefix);
                if link.is_full() {
                    *full = true;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }));
            match received {
                Ok(Received::Paused) => {}
                _ => break,
            }
        }
        if logged {
            let (code, reason) = end_of(ws.close_story());
            shard.logged(*slot, |log| log.disconnected(code, &reason));
        }
        Poll::Ready(())
    }
}

/// Sends one message back. That it cannot be sent because the connection closes is told by what is
/// received next.
#[inline]
fn answer(event: Event<'_>, link: &mut Link<'_>, prefix: Option<&str>) {
    _ = match (prefix, event) {
        (Some(prefix), Event::Text(text)) => link.send_text(&[prefix, &text].concat()),
        (_, event) => link.echo(event),
    };
}

/// The code and reason that tell how a connection ended: those of the side that began.
fn end_of(story: Option<CloseStory>) -> (CloseCode, String) {
    let frame = story.and_then(|story| match story.by {
        ClosedBy::Us => story.sent,
        ClosedBy::Peer => story.received,
        _ => None,
    });
    match frame {
        Some(frame) => (frame.code, frame.reason.to_string()),
        None => (CloseCode::ABNORMAL, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::Pump;

    #[test]
    fn an_idle_connection_s_task_stays_small() {
        assert_eq!(size_of::<Pump>(), 24, "bytes");
    }
}
