//! An allocator that counts, for tests that promise figures.
//!
//! ```
//! # use tidewire_testkit::alloc::{self, CountingAllocator};
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//! # fn main() {
//! let (text, cost) = alloc::measure(|| String::from("hello"));
//! assert_eq!((cost.allocations, cost.bytes), (1, text.len()));
//! # }
//! ```
#![allow(unsafe_code)] // An allocator cannot be had without it; this crate is never shipped.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The system's allocator, counted by thread and by process.
#[derive(Debug)]
pub struct CountingAllocator;

#[derive(Clone, Copy)]
struct Counters {
    allocations: u64,
    bytes: u64,
    live: i64,
    peak: i64,
}

thread_local! {
    static HERE: Cell<Counters> =
        const { Cell::new(Counters { allocations: 0, bytes: 0, live: 0, peak: 0 }) };
}

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

fn count(taken: usize, given_back: usize) {
    let change = taken as i64 - given_back as i64;
    if taken > 0 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(taken as u64, Ordering::Relaxed);
    }
    LIVE.fetch_add(change, Ordering::Relaxed);
    // A thread that is ending has no counters any more; its last frees go uncounted here.
    let _ = HERE.try_with(|here| {
        let mut counters = here.get();
        if taken > 0 {
            counters.allocations += 1;
            counters.bytes += taken as u64;
        }
        counters.live += change;
        counters.peak = counters.peak.max(counters.live);
        here.set(counters);
    });
}

// SAFETY: every call goes to `System` with the arguments it came with; the counting beside it
// neither allocates nor touches the memory.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// What a piece of work cost on this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How often memory was asked for; growing a buffer is once more.
    pub allocations: u64,
    /// How many bytes were asked for in all.
    pub bytes: usize,
    /// The most bytes that were held at one time, beyond what was held before.
    pub peak: usize,
    /// How many bytes more are held afterwards than before (fewer: negative).
    pub kept: i64,
}

/// Runs `work` and tells what it cost on this thread. Everything is 0 in a process without
/// [`CountingAllocator`].
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let before = HERE.with(|here| {
        let mut counters = here.get();
        counters.peak = counters.live;
        here.set(counters);
        counters
    });
    let result = work();
    let after = HERE.with(Cell::get);
    let cost = Cost {
        allocations: after.allocations - before.allocations,
        bytes: (after.bytes - before.bytes) as usize,
        peak: (after.peak - before.live) as usize,
        kept: after.live - before.live,
    };
    (result, cost)
}

/// How often all threads together have asked for memory.
#[must_use]
pub fn process_allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// How many bytes all threads together have asked for.
#[must_use]
pub fn process_allocated_bytes() -> u64 {
    BYTES.load(Ordering::Relaxed)
}

/// How many bytes all threads together hold.
#[must_use]
pub fn process_live_bytes() -> i64 {
    LIVE.load(Ordering::Relaxed)
}
