//! Sessions over long polls: `GET /poll`. Each request is a session that ends with its answer; where
//! the client was is in the cursor, so that any node can answer the next.

use super::followed::{self, Followed, Leave, Place};
use crate::outbox::{Frame, Outbox};
use crate::protocol::Format;
use crate::session;
use crate::shard::Local;
use crate::web::url::Query;
use crate::web::{answers, caller};
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidewire_hub_core::TransportKind;
use tidewire_hub_proto::{Channel, ErrorCode, Pos, Push, Reply};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a poll waits that does not say: proxies cut what is silent for a minute.
const WAIT: u64 = 25;
/// How long a channel may take to say where it is.
const ANSWERED: Duration = Duration::from_secs(10);
/// The longest wait, in seconds.
const LONGEST: u64 = 60;
/// Bytes that come at most before every channel has answered: a page of each.
const MOST: usize = 8 << 20;
/// How long a poller stays present after its poll, in seconds: it has to come back in between.
const LEASE: u64 = 30;

/// What has come so far. On one thread, but the request's future has to be able to move.
struct Basket {
    contents: Mutex<Contents>,
    /// Every channel has answered whether it can be followed.
    answered: Notify,
    full: Notify,
}

struct Contents {
    /// Objects, with commas between.
    objects: Vec<u8>,
    place: Place,
    /// Answers to subscribes that are not there yet.
    pending: usize,
    /// There is something that the client waits for.
    news: bool,
    refused: Option<ErrorCode>,
    /// The session is at its end: what its channels still say of that is not for the client.
    over: bool,
}

impl Contents {
    /// What the shard is told of. Nobody takes anything out of a basket before every channel has
    /// answered: so the pages of one must not keep the answers of others away.
    fn waits(&self) -> usize {
        if self.pending > 0 && self.objects.len() < MOST {
            0
        } else {
            self.objects.len()
        }
    }
}

impl Basket {
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Catcher {
    basket: Arc<Basket>,
    /// What is queued next is nothing that a client waits for.
    dull: Cell<bool>,
}

impl Outbox for Catcher {
    fn takes(&self, push: &Push) -> bool {
        let mut contents = self.basket.lock();
        if contents.over {
            return true;
        }
        match push {
            Push::Reply { reply, .. } => {
                contents.pending = contents.pending.saturating_sub(1);
                self.dull.set(matches!(
                    reply,
                    Reply::Subscribed {
                        recovered: Some(true),
                        ..
                    }
                ));
                contents.refused = contents.refused.or(followed::error(push));
            }
            Push::Live { .. } => self.dull.set(true),
            // More has come than an outbox holds: what is there is an answer, and the cursor has the rest.
            Push::Bye { .. } => {
                contents.over = true;
                return true;
            }
            _ => {}
        }
        false
    }

    fn queue(&self, frame: &Frame, moved: Option<(&Channel, Pos)>) -> usize {
        let mut contents = self.basket.lock();
        contents.news |= !self.dull.take();
        if let Some((channel, pos)) = moved {
            contents.place.advance(channel, pos);
        }
        if !contents.objects.is_empty() {
            contents.objects.push(b',');
        }
        contents.objects.extend_from_slice(frame.payload());
        contents.waits()
    }

    fn queued(&self) -> usize {
        self.basket.lock().waits()
    }

    fn flush(&self) -> usize {
        let contents = self.basket.lock();
        if contents.pending == 0 {
            self.basket.answered.notify_one();
            if contents.news {
                self.basket.full.notify_one();
            }
        }
        contents.waits()
    }

    fn close(&self, _code: u16, _reason: &str) {
        self.basket.answered.notify_one();
        self.basket.full.notify_one();
    }

    fn resume(&self) {}
}

/// `GET /poll?channel=a&channel=b[&since=CURSOR][&wait=25s][&presence=1][&name=…][&client=…]`
pub(crate) async fn answer(request: Request) -> Response {
    let cut = caller::cut(request.extensions());
    let query = Query::parse(request.uri().query());
    let asked = query.and_then(|query| {
        let wait = wait(query.get("wait"))?;
        Ok((wait, Followed::read(&query, request.headers(), false)?))
    });
    let (wait, followed) = match asked {
        Ok(asked) => asked,
        Err(wrong) => return answers::sentence(StatusCode::BAD_REQUEST, wrong),
    };
    let Some((basket, leave, token)) = begin(followed, wait) else {
        return answers::missing();
    };
    let until = Instant::now() + wait;
    // Whoever does not want to wait wants to know where the channels are all the same.
    _ = timeout(wait.max(ANSWERED), basket.answered.notified()).await;
    // Nothing in time is an answer, too: the cursor as it is now.
    _ = timeout_at(until, basket.full.notified()).await;
    basket.lock().over = true;
    drop(leave);
    let contents = basket.lock();
    let status = contents.refused.map_or(StatusCode::OK, followed::status);
    let mut body = Vec::with_capacity(contents.objects.len() + 128);
    body.extend_from_slice(b"{");
    if let Some(cursor) = contents.place.cursor() {
        body.extend_from_slice(format!("\"cursor\":\"{cursor}\",").as_bytes());
    }
    body.extend_from_slice(format!("\"client\":\"{token}\",\"messages\":[").as_bytes());
    body.extend_from_slice(&contents.objects);
    body.extend_from_slice(b"]}\n");
    answers::answer(status, "application/json", cut.body(body.into()))
}

/// Opens the session; the client's token besides.
fn begin(followed: Followed, wait: Duration) -> Option<(Arc<Basket>, Leave, Box<str>)> {
    let local = Local::here()?;
    let (history, presence) = followed.wishes();
    let Followed {
        mut connect, place, ..
    } = followed;
    let key = &local.node.settings.client_key;
    let known = connect
        .client
        .as_deref()
        .and_then(|token| key.verify(token));
    let id = known.unwrap_or_else(|| key.issue(connect.seed).id);
    let token = key.token(&id);
    // One poll after the other is the same guest in the same place.
    connect.session = format!("{}{id}", session::POLLING).into();
    connect.client = Some(token.clone());
    connect.transport = TransportKind::Poll;
    connect.lease = Some(1000 * LEASE + u64::try_from(wait.as_millis()).unwrap_or(0));
    let basket = Arc::new(Basket {
        contents: Mutex::new(Contents {
            objects: Vec::new(),
            pending: place.len(),
            news: false,
            refused: None,
            over: false,
            place: place.clone(),
        }),
        answered: Notify::new(),
        full: Notify::new(),
    });
    let catcher = Catcher {
        basket: basket.clone(),
        dull: Cell::new(false),
    };
    let session = local.open(Format::Native, connect, Rc::new(catcher));
    let leave = Leave(session);
    Followed::subscribe(&local, session, &place, history, presence);
    Some((basket, leave, token))
}

/// How long the client wants to wait: `25s` or `25`.
fn wait(asked: Option<&str>) -> Result<Duration, String> {
    let seconds = match asked {
        None => WAIT,
        Some(text) => {
            let number = text.strip_suffix('s').unwrap_or(text).parse::<u64>();
            number.map_err(|_| {
                format!("wait: a number of seconds up to {LONGEST}, such as wait=25s.")
            })?
        }
    };
    Ok(Duration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn waits_are_read_and_bounded() {
        let seconds = |text| wait(text).map(|wait| wait.as_secs());
        assert_eq!(seconds(None), Ok(WAIT));
        assert_eq!(seconds(Some("0")), Ok(0));
        assert_eq!(seconds(Some("5s")), Ok(5));
        assert_eq!(seconds(Some("86400")), Ok(LONGEST));
        for wrong in ["", "s", "-1", "1m", "1.5", "99999999999999999999"] {
            assert!(seconds(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_full_basket_does_not_keep_the_answers_of_other_channels_away() {
        let query = Query::parse(Some("channel=a&channel=b")).unwrap();
        let followed = Followed::read(&query, &http::HeaderMap::new(), false).unwrap();
        let mut contents = Contents {
            objects: vec![b'1'; 2 << 20],
            place: followed.place,
            pending: 1,
            news: true,
            refused: None,
            over: false,
        };
        assert_eq!(contents.waits(), 0, "b has not answered");
        contents.pending = 0;
        assert_eq!(contents.waits(), 2 << 20);
        contents.pending = 1;
        contents.objects.resize(MOST, b'1');
        assert_eq!(contents.waits(), MOST, "not without end");
    }
}
