//! One task per runtime that serves all its connections: the flusher and the timer wheel.
//!
//! The flusher writes replies that a handler queued while more input lay here and that it did not
//! flush itself: it runs once the current poll has returned. It also goes on with connections whose
//! socket was full. The wheel is coarse: one tick is [`TICK`], connections whose deadlines fall into
//! the same tick share an entry, and a connection that turns out to have more time is put back.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Id};
use tokio::time::Sleep;

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(100);

/// How often the task looks at its lists before it lets other tasks run.
const ROUNDS: usize = 16;

/// The service of each runtime that has one.
static SERVICES: Mutex<Option<HashMap<Id, Arc<Service>>>> = Mutex::new(None);

/// A connection, as its service sees it.
pub(crate) trait Served: Send + Sync + fmt::Debug {
    /// The flusher's turn: writes what waits. `unblocked`: the socket takes bytes again.
    fn flush_turn(&self, unblocked: bool);

    /// The timer's turn; `tick` is what the connection was armed with.
    fn timer_fired(self: Arc<Self>, tick: NonZeroU32);

    /// Its turn panicked, which only its stream or a waker can do: it ends.
    fn give_up(&self);

    /// The service that serves it.
    fn service(&self) -> &Service;
}

#[derive(Debug)]
pub(crate) struct Service {
    handle: Handle,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Connections to flush; each once. The second says whether its socket takes bytes again.
    flush: Vec<(Arc<dyn Served>, bool)>,
    wheel: BTreeMap<NonZeroU32, Vec<Weak<dyn Served>>>,
    /// Wakes the task.
    waker: Option<Waker>,
    /// The runtime has ended: nobody empties the lists any more, so nothing is put on them.
    over: bool,
}

impl Service {
    /// The service of the runtime this is called in; started if it has none.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub(crate) fn current() -> Arc<Self> {
        let handle = Handle::current();
        let id = handle.id();
        let mut services = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
        let known = services.get_or_insert_default();
        if let Some(service) = known.get(&id) {
            return service.clone();
        }
        let start = tokio::time::Instant::now().into_std();
        let state = Mutex::default();
        let service = Arc::new(Self {
            handle: handle.clone(),
            start,
            state,
        });
        known.insert(id, service.clone());
        drop(services); // a runtime that shuts down drops the task at once, which takes this lock
        let task = Task {
            service: service.clone(),
            flushing: Vec::new(),
            sleep: None,
            sleeps_until: None,
            id,
        };
        // Outside of tokio's budget: a write refused for lack of budget would look like a full
        // socket that takes bytes again at once, for ever. The task yields by itself.
        handle.spawn(tokio::task::unconstrained(task));
        service
    }

    /// The time, as the runtime tells it: a paused clock is obeyed.
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// Runs something on the runtime.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }

    /// The tick that is under way at `time`. Ticks last for 13 years.
    fn tick(&self, time: Instant) -> NonZeroU32 {
        let ticks = time.saturating_duration_since(self.start).as_nanos() / TICK.as_nanos();
        NonZeroU32::MIN.saturating_add(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `connection` flushed once the current poll has returned.
    pub(crate) fn defer_flush(&self, connection: Arc<dyn Served>) {
        self.push(connection, false);
    }

    /// Takes a connection that is gone off the wheel, which would keep its memory until `tick`.
    pub(crate) fn disarm(&self, connection: *const (), tick: NonZeroU32) {
        let mut state = self.lock();
        let Some(entry) = state.wheel.get_mut(&tick) else {
            return;
        };
        if let Some(at) = entry
            .iter()
            .position(|armed| armed.as_ptr().cast() == connection)
        {
            let gone = entry.swap_remove(at);
            if entry.is_empty() {
                state.wheel.remove(&tick);
            }
            drop(state);
            drop(gone); // the memory goes here, outside of the lock
        }
    }

    fn push(&self, connection: Arc<dyn Served>, unblocked: bool) {
        let mut state = self.lock();
        if state.over {
            return;
        }
        state.flush.push((connection, unblocked));
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has the timer fire for `connection` when `deadline` is due. `armed` is the tick that it is
    /// armed with: if that is early enough, nothing changes.
    pub(crate) fn arm(
        &self,
        connection: &Weak<dyn Served>,
        deadline: Instant,
        armed: &mut Option<NonZeroU32>,
    ) {
        // The tick after the deadline: never early.
        let tick = self.tick(deadline).saturating_add(1);
        if armed.is_some_and(|armed| armed <= tick) {
            return;
        }
        *armed = Some(tick);
        let mut state = self.lock();
        let first = state
            .wheel
            .first_key_value()
            .is_none_or(|(first, _)| tick < *first);
        state
            .wheel
            .entry(tick)
            .or_default()
            .push(connection.clone());
        let waker = if first { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The waker of a connection whose socket takes bytes again. It belongs to the connection and not to
/// the task that happened to write, so a cancelled `send` leaves nobody unwoken.
pub(crate) fn unblocked_waker(connection: Weak<dyn Served>) -> Waker {
    Waker::from(Arc::new(Unblocked(connection)))
}

struct Unblocked(Weak<dyn Served>);

impl Wake for Unblocked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The flusher locks the connection later: whoever wakes may hold its lock.
        if let Some(connection) = self.0.upgrade() {
            connection.service().push(connection.clone(), true);
        }
    }
}

impl State {
    /// Takes the entries of ticks up to `now` off the wheel.
    fn due(&mut self, now: NonZeroU32) -> Option<BTreeMap<NonZeroU32, Vec<Weak<dyn Served>>>> {
        self.wheel
            .first_key_value()
            .filter(|(first, _)| **first <= now)?;
        let later = self.wheel.split_off(&now.saturating_add(1));
        Some(std::mem::replace(&mut self.wheel, later))
    }
}

/// The task: never ends by itself, dies with its runtime.
struct Task {
    service: Arc<Service>,
    /// The list whose turn it is; kept for its capacity.
    flushing: Vec<(Arc<dyn Served>, bool)>,
    sleep: Option<Pin<Box<Sleep>>>,
    sleeps_until: Option<NonZeroU32>,
    id: Id,
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut services = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(services) = services.as_mut() {
            services.remove(&self.id);
        }
        drop(services); // what the lists hold may take any lock when it is dropped
        // Connections still on the lists hold the service that holds the lists.
        let over = State {
            over: true,
            ..State::default()
        };
        let lists = std::mem::replace(&mut *self.service.lock(), over);
        drop(lists);
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let service = self.service.clone();
        for _ in 0..ROUNDS {
            let now = service.tick(service.now());
            let mut state = service.lock();
            std::mem::swap(&mut state.flush, &mut self.flushing);
            let due = state.due(now);
            if self.flushing.is_empty() && due.is_none() {
                let next = state.wheel.first_key_value().map(|(tick, _)| *tick);
                state.waker = Some(cx.waker().clone());
                drop(state);
                if self.sleep_until(next, cx).is_pending() {
                    return Poll::Pending;
                }
                continue;
            }
            drop(state);
            for (connection, unblocked) in self.flushing.drain(..) {
                guarded(&*connection, || connection.flush_turn(unblocked));
            }
            for (tick, connections) in due.into_iter().flatten() {
                for connection in connections.iter().filter_map(Weak::upgrade) {
                    let turn = connection.clone();
                    guarded(&*connection, || turn.timer_fired(tick));
                }
            }
        }
        cx.waker().wake_by_ref(); // others on this thread want a turn
        Poll::Pending
    }
}

/// Gives a connection its turn. If its stream panics, that connection ends, and not the service of all
/// the others.
fn guarded(connection: &dyn Served, turn: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(turn)).is_err() {
        let _ = catch_unwind(AssertUnwindSafe(|| connection.give_up()));
    }
}

impl Task {
    /// Ready when `tick` has come; `None` never comes.
    fn sleep_until(&mut self, tick: Option<NonZeroU32>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(tick) = tick else {
            self.sleep = None;
            return Poll::Pending;
        };
        let at = tokio::time::Instant::from_std(self.service.start + TICK * (tick.get() - 1));
        let moved = self.sleeps_until.replace(tick) != Some(tick);
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if moved {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}
