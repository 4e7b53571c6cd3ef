//! Sessions over Server-Sent Events: `GET /sse`. What comes is an event each; its id is the cursor, so
//! that a browser that comes back goes on where it was.

use super::followed::{self, Followed, Leave, Place};
use crate::outbox::{Frame, Outbox};
use crate::protocol::Format;
use crate::shard::Local;
use crate::web::patience::{self, Cut};
use crate::web::url::Query;
use crate::web::{answers, caller};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use hyper::body::{Body as HttpBody, Frame as BodyFrame};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tidewire_hub_core::{SessionId, TransportKind};
use tidewire_hub_proto::{Channel, ErrorCode, Pos, Push};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};

/// When a browser that lost the stream comes back, in milliseconds.
const RETRY: u32 = 2000;

/// Most bytes that are given to HTTP at a time.
const PIECE: usize = 64 * 1024;

/// What the outbox and the body share. Both are on the shard's thread; the body's type has to be able
/// to move.
#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// The shard was told that bytes wait, and waits to hear of fewer.
    told: AtomicBool,
}

/// The writing side.
struct Events {
    to: RefCell<Option<mpsc::UnboundedSender<Bytes>>>,
    waiting: Arc<Waiting>,
    place: RefCell<Place>,
    refused: Cell<Option<ErrorCode>>,
    /// The request was answered: what is refused now is told by an event.
    begun: Cell<bool>,
    /// What answers the request itself, while that is not answered.
    first: RefCell<Option<Frame>>,
    cut: Cut,
    /// Resolves when the body is gone.
    done: RefCell<Option<oneshot::Receiver<()>>>,
}

impl Outbox for Events {
    fn takes(&self, push: &Push) -> bool {
        if let Some(code) = followed::error(push) {
            self.refused.set(Some(code));
        }
        false
    }

    fn queue(&self, frame: &Frame, moved: Option<(&Channel, Pos)>) -> usize {
        let mut place = self.place.borrow_mut();
        let cursor = moved.and_then(|(channel, pos)| {
            place.advance(channel, pos);
            place.cursor()
        });
        if self.refused.get().is_some() && self.first.borrow().is_none() {
            *self.first.borrow_mut() = Some(frame.clone());
        }
        let event = event(frame.payload(), cursor.map(|cursor| cursor.to_string()));
        let added = event.len();
        let is_sent = self.to.borrow().as_ref().map(|to| to.send(event).is_ok());
        if is_sent != Some(true) {
            return 0;
        }
        if self.begun.get() && self.refused.get().is_some() {
            // A stream without this channel would look like one that is silent: it ends here, and
            // its client comes back.
            self.to.take();
        }
        self.waiting.bytes.fetch_add(added, Ordering::Relaxed) + added
    }

    fn queued(&self) -> usize {
        self.waiting.bytes.load(Ordering::Relaxed)
    }

    fn flush(&self) -> usize {
        let waits = self.waiting.bytes.load(Ordering::Relaxed);
        self.waiting.told.store(waits > 0, Ordering::Relaxed);
        waits
    }

    fn close(&self, _code: u16, _reason: &str) {
        // `bye` was queued; the stream ends behind it, for those who read that far.
        self.to.take();
        if let Some(done) = self.done.take() {
            self.cut.unless_done(done, patience::END);
        }
    }

    fn resume(&self) {}
}

/// One event. The payload is JSON, whose line ends are white space, but end a line of the stream.
fn event(payload: &[u8], id: Option<String>) -> Bytes {
    let text = String::from_utf8_lossy(payload);
    let mut event = String::with_capacity(text.len() + 64);
    if let Some(id) = id {
        // Writing to a string does not fail.
        _ = writeln!(event, "id: {id}");
    }
    for line in text.split(['\r', '\n']) {
        _ = writeln!(event, "data: {line}");
    }
    event.push('\n');
    event.into()
}

/// `GET /sse?channel=a&channel=b[&since=CURSOR][&history=N][&presence=1][&name=…][&client=…]`
pub(crate) async fn open(request: Request) -> Response {
    let cut = caller::cut(request.extensions());
    let query = Query::parse(request.uri().query());
    let followed = query.and_then(|query| Followed::read(&query, request.headers(), true));
    let mut followed = match followed {
        Ok(followed) => followed,
        Err(wrong) => return answers::sentence(StatusCode::BAD_REQUEST, wrong),
    };
    let Some(local) = Local::here() else {
        return answers::missing();
    };
    if local.leaving.borrow().is_some() {
        return answers::sentence(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is stopping; come back in a moment.",
        );
    }
    followed.connect.transport = TransportKind::Sse;
    let (history, presence) = followed.wishes();
    let (to, from) = mpsc::unbounded_channel();
    let waiting = Arc::<Waiting>::default();
    let (alive, done) = oneshot::channel();
    let events = Rc::new(Events {
        to: RefCell::new(Some(to)),
        waiting: waiting.clone(),
        place: RefCell::new(followed.place.clone()),
        refused: Cell::new(None),
        begun: Cell::new(false),
        first: RefCell::new(None),
        cut,
        done: RefCell::new(Some(done)),
    });
    let session = local.open(Format::Native, followed.connect, events.clone());
    let leave = Leave(session);
    Followed::subscribe(&local, session, &followed.place, history, presence);
    // What may not be followed is told at once, and not by an event that nobody would expect.
    if let (Some(code), Some(frame)) = (events.refused.get(), events.first.take()) {
        let said = Bytes::copy_from_slice(frame.payload());
        return answers::answer(followed::status(code), "application/json", said);
    }
    events.begun.set(true);
    let interval = keepalive(local.node.config.ping_interval, followed.chance);
    let mut head = BytesMut::new();
    head.extend_from_slice(format!("retry: {RETRY}\n\n").as_bytes());
    let body = Stream {
        from,
        waiting,
        head: head.freeze(),
        interval,
        sleep: Box::pin(sleep_until(Instant::now() + interval)),
        leave,
        alive,
    };
    let mut response = Response::new(Body::new(body));
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // nginx would keep events until a buffer is full.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// How long nothing is said before a comment is: from a fifth less to a fifth more. Proxies cut what
/// is silent for a minute.
fn keepalive(interval: Duration, chance: u8) -> Duration {
    let interval = if interval.is_zero() {
        Duration::from_secs(25)
    } else {
        interval
    };
    interval * (205 + u32::from(chance) * 2 / 5) / 256
}

/// The body of the response: events, and comments while there are none.
struct Stream {
    from: mpsc::UnboundedReceiver<Bytes>,
    waiting: Arc<Waiting>,
    head: Bytes,
    interval: Duration,
    sleep: Pin<Box<Sleep>>,
    leave: Leave,
    #[allow(dead_code, reason = "whoever has it is not done")]
    alive: oneshot::Sender<()>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if !this.head.is_empty() {
            let head = std::mem::take(&mut this.head);
            return Poll::Ready(Some(Ok(BodyFrame::data(head))));
        }
        match this.from.poll_recv(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(first)) => {
                let piece = gather(first, &mut this.from);
                this.sleep.as_mut().reset(Instant::now() + this.interval);
                this.taken(piece.len());
                Poll::Ready(Some(Ok(BodyFrame::data(piece))))
            }
            Poll::Pending => {
                ready!(this.sleep.as_mut().poll(cx));
                this.sleep.as_mut().reset(Instant::now() + this.interval);
                // A timer that is set anew wakes only who has polled it since.
                _ = this.sleep.as_mut().poll(cx);
                Poll::Ready(Some(Ok(BodyFrame::data(Bytes::from_static(b":\n\n")))))
            }
        }
    }
}

/// As many events as fit into one piece.
fn gather(first: Bytes, from: &mut mpsc::UnboundedReceiver<Bytes>) -> Bytes {
    let mut all: Option<BytesMut> = None;
    let mut len = first.len();
    while len < PIECE
        && let Ok(next) = from.try_recv()
    {
        len += next.len();
        all.get_or_insert_with(|| BytesMut::from(&first[..]))
            .extend_from_slice(&next);
    }
    all.map_or(first, BytesMut::freeze)
}

impl Stream {
    /// HTTP has taken some bytes: the shard hears of it, if it waits for that.
    fn taken(&self, bytes: usize) {
        let left = self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed) - bytes;
        let Leave(session): &Leave = &self.leave;
        if self.waiting.told.swap(left > 0, Ordering::Relaxed) {
            drained(*session, left);
        }
    }
}

fn drained(session: SessionId, left: usize) {
    if let Some(local) = Local::here() {
        local.drained(session, left);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tidewire_hub_proto::Reply;

    #[test]
    fn an_event_keeps_json_of_several_lines_whole() {
        let id = Some("7-4".to_owned());
        assert_eq!(event(b"{\"a\":1}", id), "id: 7-4\ndata: {\"a\":1}\n\n");
        assert_eq!(
            event(b"{\n\"a\":\r1}", None),
            "data: {\ndata: \"a\":\ndata: 1}\n\n"
        );
    }

    #[test]
    fn comments_are_spread() {
        let interval = Duration::from_secs(25);
        assert!(keepalive(interval, 0) >= interval * 4 / 5);
        assert!(keepalive(interval, 255) <= interval * 6 / 5);
        assert!(keepalive(Duration::ZERO, 0) > Duration::ZERO);
    }

    #[test]
    fn a_channel_that_is_refused_later_ends_the_stream_behind_the_error() {
        let query = Query::parse(Some("channel=a")).unwrap();
        let place = Followed::read(&query, &http::HeaderMap::new(), true).unwrap();
        let (to, mut from) = mpsc::unbounded_channel();
        let events = Events {
            to: RefCell::new(Some(to)),
            waiting: Arc::default(),
            place: RefCell::new(place.place),
            refused: Cell::new(None),
            begun: Cell::new(true),
            first: RefCell::new(None),
            cut: Cut::default(),
            done: RefCell::new(None),
        };
        let error = Push::Reply {
            id: None,
            reply: Reply::error(ErrorCode::Unavailable, "later"),
        };
        assert!(events.queue(&Frame::text("{}"), None) > 0);
        assert!(!events.takes(&error));
        events.queue(&Frame::text("the error"), None);
        assert_eq!(events.queue(&Frame::text("more"), None), 0);
        assert!(from.try_recv().is_ok());
        assert_eq!(from.try_recv().unwrap(), "data: the error\n\n");
        let end = from.try_recv().unwrap_err();
        assert_eq!(end, mpsc::error::TryRecvError::Disconnected);
    }
}
