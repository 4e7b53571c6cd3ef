//! One direction of a connection: bytes are read, shown, and written to the other side in their time.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};

use super::cut::{Cutter, Packet};
use super::ear::{Agreed, Ear};
use super::faults::{After, Dice, Faults};
use super::log::Log;
use crate::record::{Dir, What};
use crate::term::Style;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// So many bytes may be on their way, held back by a delay or a slow reader.
const HELD: usize = 16 << 20;

/// What a packet takes besides its bytes, so that many small ones are counted as what they are.
const PACKET: usize = 128;

/// What a packet of so many bytes counts.
fn cost(len: usize) -> usize {
    (len + PACKET).min(HELD)
}

/// What both directions of a connection share.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) conn: u32,
    pub(super) log: Rc<RefCell<Log>>,
    /// What the first Close frame said.
    pub(super) close: RefCell<Option<(u16, String)>>,
    /// Messages to the server, and from it.
    pub(super) counts: RefCell<[u64; 2]>,
    /// Messages that may still pass before the connection is cut.
    budget: Option<Rc<Cell<u64>>>,
    /// The connection is cut.
    pub(super) cut: Notify,
}

impl Both {
    pub(super) fn new(conn: u32, log: Rc<RefCell<Log>>, faults: &Faults) -> Both {
        Both {
            conn,
            log,
            close: RefCell::new(None),
            counts: RefCell::new([0, 0]),
            budget: match faults.close_after {
                Some(After::Messages(count)) => Some(Rc::new(Cell::new(count))),
                _ => None,
            },
            cut: Notify::new(),
        }
    }
}

/// Something for the writer.
enum Sent {
    /// Bytes that wait until then.
    Bytes(Instant, Vec<u8>),
    /// Nothing goes further than this.
    Cut,
}

/// One direction.
pub(super) struct Pump {
    both: Rc<Both>,
    dir: Dir,
    cutter: Cutter,
    ear: Option<Ear>,
    /// When the last bytes are due, which later ones do not overtake.
    due: Instant,
}

impl Pump {
    pub(super) fn new(both: Rc<Both>, dir: Dir, faults: &Faults, agreed: Agreed) -> Pump {
        Pump {
            cutter: Cutter::new(
                Dice::new(faults, both.conn, dir),
                both.budget.clone().filter(|_| faults.apply(dir)),
            ),
            ear: Ear::new(dir, agreed),
            both,
            dir,
            due: Instant::now(),
        }
    }

    /// Passes on `first`, and what comes from `reader` until its end.
    pub(super) async fn run(
        mut self,
        first: Vec<u8>,
        mut reader: impl AsyncRead + Unpin,
        writer: impl AsyncWrite + Unpin,
    ) {
        let (tx, rx) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(HELD));
        let both = self.both.clone();
        let read = async {
            let mut buffer = first;
            let mut packets = Vec::new();
            while !self.cutter.is_spent() {
                self.chunk(&buffer, &mut packets);
                for packet in packets.drain(..) {
                    self.send(packet, &tx, &room).await;
                }
                if self.cutter.is_spent() {
                    break;
                }
                buffer.resize(CHUNK, 0);
                match reader.read(&mut buffer).await {
                    Ok(0) | Err(_) => {
                        self.cutter.rest(&mut packets);
                        break;
                    }
                    Ok(count) => buffer.truncate(count),
                }
            }
            for packet in packets {
                self.send(packet, &tx, &room).await;
            }
            if self.cutter.is_spent() {
                _ = tx.send(Sent::Cut);
            }
            // The writer ends with the channel, and this with the writer.
            drop(tx);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = read => {}
            // If nobody takes what is written, reading on has no use.
            _ = write(rx, writer, &room, &both) => {}
            () = both.cut.notified() => {}
        }
    }

    async fn send(&mut self, packet: Packet, tx: &mpsc::UnboundedSender<Sent>, room: &Semaphore) {
        self.due = self.due.max(Instant::now() + packet.delay);
        let size = u32::try_from(cost(packet.bytes.len())).unwrap_or(u32::MAX);
        if let Ok(permit) = room.acquire_many(size).await {
            permit.forget();
        }
        _ = tx.send(Sent::Bytes(self.due, packet.bytes));
    }

    /// Cuts and shows what came.
    fn chunk(&mut self, bytes: &[u8], packets: &mut Vec<Packet>) {
        let taken = self.cutter.take(bytes, packets);
        let Pump {
            ear,
            cutter,
            both,
            dir,
            ..
        } = self;
        let mut count = 0;
        let tell = |what: What<'_>| {
            let passed = match what {
                What::Text(_) | What::Binary(_) => cutter.passed(),
                _ => None,
            };
            count += u64::from(passed.is_some());
            if let What::Close { code, reason } = &what {
                let mut close = both.close.borrow_mut();
                close.get_or_insert_with(|| (*code, reason.clone().into_owned()));
            }
            both.log.borrow_mut().saw(both.conn, *dir, &what, passed);
        };
        let heard = match ear {
            Some(ear) => ear.hear(&bytes[..taken], tell),
            None => Ok(()),
        };
        if let Err(why) = heard {
            let way = match dir {
                Dir::In => "the server",
                Dir::Out => "the client",
            };
            let words = format!("{way}: {why}; from here on its messages are passed on unseen");
            both.log.borrow_mut().note(both.conn, Style::Bad, &words);
            *ear = None;
        }
        // Those that nobody understands are counted too.
        count += std::iter::from_fn(|| cutter.passed()).count() as u64;
        both.counts.borrow_mut()[usize::from(*dir == Dir::In)] += count;
        both.log.borrow_mut().flush();
    }
}

/// Writes what is due; at the end of the channel says that no more comes.
async fn write(
    mut rx: mpsc::UnboundedReceiver<Sent>,
    mut writer: impl AsyncWrite + Unpin,
    room: &Semaphore,
    both: &Both,
) -> io::Result<()> {
    while let Some(sent) = rx.recv().await {
        let (due, bytes) = match sent {
            Sent::Bytes(due, bytes) => (due, bytes),
            Sent::Cut => {
                _ = writer.flush().await;
                let words = "cut (--close-after)";
                both.log.borrow_mut().note(both.conn, Style::Bad, words);
                both.cut.notify_waiters();
                return Ok(());
            }
        };
        if due > Instant::now() {
            sleep_until(due).await;
        }
        room.add_permits(cost(bytes.len()));
        writer.write_all(&bytes).await?;
        if rx.is_empty() {
            writer.flush().await?;
        }
    }
    writer.shutdown().await
}
