//! Which connections are open, so that all of them can be asked to leave.

use crate::driver::shared::Shared;
use crate::handle;
use crate::websocket::WebSocket;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tidewire_proto::CloseCode;
use tokio::sync::Notify;

/// The connections of a server that are to leave in order when it stops. Cheap to clone.
///
/// [`Listener::serve_until`](crate::Listener::serve_until) keeps one by itself. Where connections are
/// accepted otherwise, enter each with [`add`](Self::add), and [`drain`](Self::drain) at the end.
///
/// ```no_run
/// # async fn example(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// use tidewire::{Connections, Drain};
///
/// let connections = Connections::new();
/// for _ in 0..10 {
///     let (tcp, _) = listener.accept().await?;
///     let connections = connections.clone();
///     tokio::spawn(async move {
///         let Ok(mut ws) = tidewire::accept(tcp).await else { return };
///         let _member = connections.add(&ws);
///         while let Ok(Some(message)) = ws.recv().await {
///             if ws.send(message).await.is_err() { break }
///         }
///     });
/// }
/// drop(listener); // nobody new
/// let drained = connections.drain(Drain::new()).await;
/// println!("{} left, {} had to be cut", drained.closed, drained.cut);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Connections {
    registry: Arc<Registry>,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters a connection. It counts as open as long as the [`Member`] that is returned is kept,
    /// which is best done where the connection's handler runs, and then until the connection is over.
    ///
    /// Once a drain has begun, a connection that is entered is told to close at once.
    pub fn add(&self, socket: &WebSocket) -> Member {
        let ticket = self.ticket();
        ticket.opened(socket);
        Member { _ticket: ticket }
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        let state = self.registry.lock();
        let loose = state.loose.iter().filter(|loose| is_there(loose)).count();
        state.open + loose
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A place for a connection that is about to be opened.
    pub(super) fn ticket(&self) -> Ticket {
        let mut state = self.registry.lock();
        state.sweep_some();
        state.arriving += 1;
        let free = state.free.pop();
        let place = free.unwrap_or_else(|| {
            state.places.push(Place::Free);
            u32::try_from(state.places.len() - 1).unwrap_or(u32::MAX)
        });
        state.put(place, Place::Arriving);
        Ticket {
            registry: self.registry.clone(),
            place,
        }
    }

    /// From now on everybody who comes is told to leave. Gives who is here already, and how many had
    /// gone before.
    pub(super) fn begin_drain(&self, farewell: Farewell) -> (Vec<Weak<Shared>>, usize) {
        let mut state = self.registry.lock();
        state.farewell = Some(farewell);
        let (here, gone) = (state.here(), state.gone);
        drop(state);
        self.registry.changed.notify_waiters();
        (here, gone)
    }

    /// Who is still here.
    pub(super) fn here(&self) -> Vec<Weak<Shared>> {
        self.registry.lock().here()
    }

    /// How many have gone since the beginning.
    pub(super) fn gone(&self) -> usize {
        self.registry.lock().gone
    }

    /// Whether nobody is here or about to come.
    pub(super) fn all_gone(&self) -> bool {
        let state = self.registry.lock();
        state.open + state.arriving + state.loose.len() + state.judged == 0
    }

    /// Lets those go whose handler is not known any more and whose connection is over.
    pub(super) fn release(&self) {
        let mut state = self.registry.lock();
        let loose = std::mem::take(&mut state.loose);
        let before = loose.len();
        state.judged += before;
        drop(state);
        if loose.is_empty() {
            return;
        }
        let mut still = Vec::new();
        for connection in loose {
            // Out of the registry's lock: the last handle may be dropped here.
            let open = connection.upgrade().is_some_and(|shared| {
                let core = shared.lock();
                core.stream.is_some() && !core.connection.is_over()
            });
            if open {
                still.push(connection);
            }
        }
        let mut state = self.registry.lock();
        state.judged -= before;
        state.gone += before - still.len();
        state.loose.append(&mut still);
    }

    /// Resolves when somebody has left since the call.
    pub(super) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.registry.changed.notified()
    }
}

/// A connection's entry in [`Connections`]. Dropped when its handler is done, it says that the
/// connection has left, or is to be watched until it is over if somebody else has it.
#[derive(Debug)]
#[must_use = "dropped, it says that the handler is done"]
pub struct Member {
    _ticket: Ticket,
}

/// What everybody who comes too late is told.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    pub(super) code: CloseCode,
    pub(super) reason: Arc<str>,
}

impl Farewell {
    /// Tells a connection to close. One that is closing already is let be.
    pub(super) fn tell(&self, shared: &Arc<Shared>) {
        // The code and the reason were judged when the drain was described.
        let _ = handle::begin_close(shared, self.code, &self.reason);
    }
}

/// Ends a connection at once.
pub(super) fn cut(shared: &Shared) {
    let mut core = shared.lock();
    core.clock = shared.service.now();
    core.network_failed(io::Error::new(
        io::ErrorKind::ConnectionAborted,
        "the server stopped before the connection was closed",
    ));
}

#[derive(Default)]
struct Registry {
    state: Mutex<State>,
    changed: Notify,
}

impl Registry {
    /// Nothing that can panic, and no code of anybody else, runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Registry")
            .field("open", &state.open)
            .field("arriving", &state.arriving)
            .field("stopping", &state.farewell.is_some())
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    places: Vec<Place>,
    /// Places that can be given out again.
    free: Vec<u32>,
    arriving: usize,
    open: usize,
    /// Connections that outlive their handler.
    loose: Vec<Weak<Shared>>,
    /// Where the next look for dead ones among them begins.
    look: usize,
    gone: usize,
    /// Those of `loose` that are being looked at just now.
    judged: usize,
    farewell: Option<Farewell>,
}

enum Place {
    Free,
    Arriving,
    Open(Weak<Shared>),
}

fn is_there(connection: &Weak<Shared>) -> bool {
    connection.strong_count() > 0
}

impl State {
    fn put(&mut self, place: u32, what: Place) -> Place {
        match self.places.get_mut(place as usize) {
            Some(place) => std::mem::replace(place, what),
            None => Place::Free,
        }
    }

    fn here(&mut self) -> Vec<Weak<Shared>> {
        let before = self.loose.len();
        self.loose.retain(is_there);
        self.gone += before - self.loose.len();
        let open = self.places.iter().filter_map(|place| match place {
            Place::Open(connection) => Some(connection),
            Place::Free | Place::Arriving => None,
        });
        open.chain(&self.loose).cloned().collect()
    }

    /// Looks at a few of the loose ones: more than can come between two calls, so that dead ones do
    /// not pile up.
    fn sweep_some(&mut self) {
        for _ in 0..2 {
            if self.look >= self.loose.len() {
                self.look = 0;
            }
            match self.loose.get(self.look) {
                Some(connection) if is_there(connection) => self.look += 1,
                Some(_) => {
                    self.loose.swap_remove(self.look);
                    self.gone += 1;
                }
                None => return,
            }
        }
    }
}

/// A place among the connections, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    registry: Arc<Registry>,
    place: u32,
}

impl Ticket {
    /// The connection that it stands for is open. If it comes too late, it is told so.
    pub(super) fn opened(&self, socket: &WebSocket) {
        let mut state = self.registry.lock();
        let connection = Arc::downgrade(&socket.shared);
        if let Place::Arriving = state.put(self.place, Place::Open(connection)) {
            state.arriving -= 1;
            state.open += 1;
        }
        let farewell = state.farewell.clone();
        drop(state);
        if let Some(farewell) = farewell {
            farewell.tell(&socket.shared);
        }
    }

    /// Whether a drain has begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.registry.lock().farewell.is_some()
    }

    /// Resolves when a drain begins.
    pub(super) async fn stopping(&self) {
        loop {
            let changed = self.registry.changed.notified();
            if self.is_stopping() {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.registry.lock();
        let was = state.put(self.place, Place::Free);
        state.free.push(self.place);
        match was {
            Place::Open(connection) => {
                state.open -= 1;
                if is_there(&connection) {
                    state.loose.push(connection);
                } else {
                    state.gone += 1;
                }
            }
            Place::Arriving => state.arriving -= 1,
            Place::Free => {}
        }
        state.sweep_some();
        let draining = state.farewell.is_some();
        drop(state);
        if draining {
            self.registry.changed.notify_waiters();
        }
    }
}
