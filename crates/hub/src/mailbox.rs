//! The mailbox of a shard: what engines and other shards have for it, bounded by bytes.

use crate::door::{Admission, Refusing};
use crate::errand::Errand;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidewire_hub_core::contract::Mail;
use tidewire_hub_core::{Counters, Done, Effect, Fault, Notice, ShardId, Ticket, ToShard};
use tidewire_hub_proto::{Channel, Pos};
use tokio::sync::{mpsc, oneshot};

/// Bytes that a mailbox holds. Beyond, records are not put in: the shard is told where the channel
/// stands when there is room again, finds itself behind, and reads.
const ROOM: usize = 64 << 20;

/// One thing in a mailbox.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// What an engine tells.
    Told(Vec<ToShard>),
    /// What another shard asks of the memory channels that are at home here.
    Asked(ShardId, Ticket, Effect),
    /// A connection to serve.
    Socket(TcpStream, SocketAddr, Arc<Admission>),
    /// A connection that there is no room for.
    Refused(TcpStream, Refusing),
    /// Something for one of its sessions.
    Errand(Box<Errand>),
    /// What has it done so far?
    Count(oneshot::Sender<Counters>),
}

/// Where others put what they have for a shard.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    parcels: mpsc::UnboundedSender<(usize, Parcel)>,
    held: Arc<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: AtomicUsize,
    /// Where channels stand of which something was not put in.
    heads: Mutex<BTreeMap<Channel, Pos>>,
    has_heads: AtomicBool,
    /// Records that were not put in.
    dropped: AtomicU64,
}

impl Held {
    fn heads(&self) -> MutexGuard<'_, BTreeMap<Channel, Pos>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shard's own end.
#[derive(Debug)]
pub(crate) struct Inbox {
    parcels: mpsc::UnboundedReceiver<(usize, Parcel)>,
    held: Arc<Held>,
}

/// An empty mailbox.
pub(crate) fn mailbox() -> (Mailbox, Inbox) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let held = Arc::new(Held::default());
    let mailbox = Mailbox {
        parcels: sender,
        held: held.clone(),
    };
    let inbox = Inbox {
        parcels: receiver,
        held,
    };
    (mailbox, inbox)
}

impl Mailbox {
    /// Puts in what an engine tells. What does not fit is told later as a channel's position.
    pub(crate) fn tell(&self, mut messages: Vec<ToShard>) {
        if self.is_full() {
            messages.retain(|message| self.is_kept(message));
        }
        if messages.is_empty() {
            // The shard looks at the heads when it takes something. If it has just taken all that
            // there was, it needs to be woken.
            fence(Ordering::SeqCst);
            if self.is_full() {
                return;
            }
        }
        let weight = messages.iter().map(weight).sum();
        self.put(weight, Parcel::Told(messages));
    }

    /// Puts in what a shard asks.
    ///
    /// # Errors
    ///
    /// The answer, if there is no room and one is expected.
    pub(crate) fn ask(&self, from: ShardId, ticket: Ticket, effect: Effect) -> Result<(), Done> {
        let weight = match &effect {
            Effect::Append { publication, .. } | Effect::Relay { publication, .. } => {
                publication.weight()
            }
            _ => 128,
        };
        if self.is_full()
            && let Some(refused) = refused(&effect)
        {
            return Err(refused);
        }
        self.put(weight, Parcel::Asked(from, ticket, effect));
        Ok(())
    }

    /// Puts in a parcel that is always taken.
    pub(crate) fn put(&self, weight: usize, parcel: Parcel) {
        self.held.bytes.fetch_add(weight, Ordering::Relaxed);
        // A shard that has ended needs nothing any more.
        _ = self.parcels.send((weight, parcel));
    }

    /// Records that did not fit.
    pub(crate) fn dropped(&self) -> u64 {
        self.held.dropped.load(Ordering::Relaxed)
    }

    /// Whether nothing that can be refused should be put in.
    pub(crate) fn is_full(&self) -> bool {
        self.held.bytes.load(Ordering::Relaxed) > ROOM
    }

    /// Answers have to come; of records, where their channel stands is enough. Passing records and
    /// presence may be lost: those promise nothing, and lists have versions.
    fn is_kept(&self, message: &ToShard) -> bool {
        let ToShard::Notice(notice) = message else {
            return true;
        };
        self.held.dropped.fetch_add(1, Ordering::Relaxed);
        let pos = match notice {
            Notice::Record { publication, .. } => publication.pos,
            Notice::Head { pos, .. } => Some(*pos),
            _ => None,
        };
        if let Some(pos) = pos {
            self.held.heads().insert(notice.channel().clone(), pos);
            self.held.has_heads.store(true, Ordering::Release);
        }
        false
    }
}

impl Inbox {
    /// The next parcel, and about how many bytes it is; `None`: nothing is there now.
    pub(crate) fn take(&mut self) -> Option<(usize, Parcel)> {
        let (weight, parcel) = self.parcels.try_recv().ok()?;
        self.took(weight);
        Some((weight, parcel))
    }

    /// Waits for the next parcel; `None`: there will be none any more.
    ///
    /// # Cancel safety
    ///
    /// Safe: a parcel is either returned or still there.
    pub(crate) async fn wait(&mut self) -> Option<(usize, Parcel)> {
        let (weight, parcel) = self.parcels.recv().await?;
        self.took(weight);
        Some((weight, parcel))
    }

    /// Whether nothing is there now.
    pub(crate) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Where the channels stand of which something did not fit, once there is room again.
    pub(crate) fn missed(&self) -> Option<BTreeMap<Channel, Pos>> {
        fence(Ordering::SeqCst);
        let held = &self.held;
        let due =
            held.has_heads.load(Ordering::Acquire) && held.bytes.load(Ordering::Relaxed) < ROOM / 2;
        due.then(|| {
            held.has_heads.store(false, Ordering::Release);
            std::mem::take(&mut *held.heads())
        })
    }

    fn took(&self, weight: usize) {
        self.held.bytes.fetch_sub(weight, Ordering::Relaxed);
    }
}

fn weight(message: &ToShard) -> usize {
    match message {
        ToShard::Notice(notice) => notice.weight(),
        ToShard::Done(_, Done::Page(Ok(page))) => page
            .records
            .iter()
            .map(tidewire_hub_proto::Publication::weight)
            .sum(),
        ToShard::Done(..) => 128,
    }
}

/// The answer to an effect that there is no room for; `None`: it is small, and better done.
fn refused(effect: &Effect) -> Option<Done> {
    let is_large = matches!(
        effect,
        Effect::Append { .. }
            | Effect::Relay { .. }
            | Effect::Read { .. }
            | Effect::ReadBack { .. }
    );
    is_large.then(|| effect.failed(Fault::Overloaded)).flatten()
}

/// The mailboxes of all shards.
#[derive(Clone, Debug)]
pub(crate) struct Post(pub(crate) Arc<[Mailbox]>);

impl Post {
    pub(crate) fn shard(&self, shard: ShardId) -> Option<&Mailbox> {
        self.0.get(shard.0)
    }
}

impl Mail for Post {
    fn deliver(&self, shard: ShardId, messages: Vec<ToShard>) {
        if let Some(mailbox) = self.shard(shard) {
            mailbox.tell(messages);
        }
    }
}

#[cfg(test)]
mod tests;
