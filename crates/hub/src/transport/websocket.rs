//! Sessions over WebSocket: an outbox that the shard's loop writes to, and a task that reads.

use crate::door::Admission;
use crate::outbox::{Frame, Outbox};
use crate::protocol::{Heard, Speech};
use crate::shard::Local;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tidewire::{Event, Flush, Received, Receiver, Sender, WebSocket};
use tidewire_hub_core::{Connect, SessionId};
use tidewire_hub_proto::{Channel, Pos, Request};

/// Most commands that are taken in a row before the shard is asked whether there may be more; never
/// more than may be under way.
const AT_ONCE: usize = 64;

/// How often so many are taken before others have a turn.
const ROUNDS: usize = 8;

/// The writing side.
struct Line {
    sender: Sender,
    /// The reading task.
    task: RefCell<Waker>,
    /// The socket takes no more: the task waits until it does.
    blocked: Cell<bool>,
    /// It is being closed: what the peer still says is not heard.
    closed: Cell<bool>,
}

impl Outbox for Line {
    fn queue(&self, frame: &Frame, _moved: Option<(&Channel, Pos)>) -> usize {
        self.sender.queue(frame).unwrap_or(0)
    }

    fn queued(&self) -> usize {
        self.sender.queued()
    }

    fn flush(&self) -> usize {
        if self.sender.try_flush() == Flush::Flushed {
            return 0;
        }
        if !self.blocked.replace(true) {
            self.task.borrow().wake_by_ref();
        }
        self.sender.queued()
    }

    fn close(&self, code: u16, reason: &str) {
        self.closed.set(true);
        _ = self.sender.begin_close(code, cut(reason));
        self.task.borrow().wake_by_ref();
    }

    fn resume(&self) {
        self.task.borrow().wake_by_ref();
    }
}

/// As much of a reason as a Close frame holds.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

/// Opens a session over `socket`, and serves it in a task of its own. `first`: what is asked in its
/// name before it says anything itself.
pub(crate) fn open(
    local: &Rc<Local>,
    socket: WebSocket,
    speech: Speech,
    connect: Connect,
    first: Vec<Request>,
    admission: Arc<Admission>,
) {
    let (sender, receiver) = socket.split();
    let line = Rc::new(Line {
        sender,
        task: RefCell::new(Waker::noop().clone()),
        blocked: Cell::new(false),
        closed: Cell::new(false),
    });
    let session = local.open(speech.format(), connect, line.clone());
    for request in first {
        local.request(session, request);
    }
    tokio::task::spawn_local(Reader {
        receiver,
        line,
        local: local.clone(),
        session,
        speech,
        admission,
    });
}

/// The task of a session: reads what the client says, and waits for the socket when it is full. Owns no
/// buffer while nothing happens.
struct Reader {
    receiver: Receiver,
    line: Rc<Line>,
    local: Rc<Local>,
    session: SessionId,
    speech: Speech,
    #[allow(dead_code, reason = "held for as long as the connection lasts")]
    admission: Arc<Admission>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.local.leave(self.session);
    }
}

impl Future for Reader {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.line.task.borrow_mut().clone_from(cx.waker());
        for _ in 0..ROUNDS {
            this.poll_drained(cx);
            let closed = this.line.closed.get();
            if !closed && this.local.is_full(this.session) {
                return Poll::Pending; // `resume` wakes it
            }
            let mut heard = this.local.scratch();
            let speech = &this.speech;
            let at_once = this.local.node.settings.limits.in_flight.min(AT_ONCE);
            let received = this.receiver.poll_receive(cx, |event, _| {
                if closed {
                    return ControlFlow::Continue(());
                }
                match event {
                    Event::Text(text) => speech.text(&text, &mut heard),
                    Event::Binary(data) => speech.binary(&data, &mut heard),
                    _ => {}
                }
                if heard.len() < at_once {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            this.pass_on(&mut heard);
            this.local.give_back(heard);
            match received {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(Received::Paused)) => {}
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        // It has more to say, and so have others.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Reader {
    /// Tells the shard when a socket that was full has taken bytes.
    fn poll_drained(&self, cx: &mut Context<'_>) {
        // An error is told, with its cause, by what is received next.
        if self.line.blocked.get() && self.line.sender.poll_writable(cx).is_ready() {
            self.line.blocked.set(false);
            if !self.line.closed.get() {
                let queued = self.line.sender.queued();
                self.local.drained(self.session, queued);
            }
        }
    }

    fn pass_on(&self, heard: &mut Vec<Heard>) {
        for heard in heard.drain(..) {
            if self.line.closed.get() {
                return;
            }
            match heard {
                Heard::Request(request) => self.local.request(self.session, request),
                Heard::Refused { id, code, message } => {
                    self.local.refuse(self.session, id, code, &message);
                }
            }
        }
    }
}
