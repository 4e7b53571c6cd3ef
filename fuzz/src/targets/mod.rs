//! The targets: plain functions over bytes that panic when a protocol breaks a promise.

pub mod cursor;
pub mod deflate;
pub mod differential;
pub mod frames;
pub mod handshake_client;
pub mod handshake_server;
mod heads;
pub mod native;
pub mod pair;

use crate::generate;
use crate::rng::Rng;
use std::cell::RefCell;
use tidewire_proto::deflate::Pool;

/// A target: what it is called, what it does with an input, and what makes an input for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in the corpus.
    pub name: &'static str,
    /// Runs one input; a panic is a finding.
    pub run: fn(&[u8]),
    /// Makes an input that gets far.
    pub generate: fn(&mut Rng) -> Vec<u8>,
}

/// All targets.
pub const ALL: &[Target] = &[
    Target {
        name: "frames_server",
        run: frames::server,
        generate: generate::frames_server,
    },
    Target {
        name: "frames_client",
        run: frames::client,
        generate: generate::frames_client,
    },
    Target {
        name: "handshake_server",
        run: handshake_server::run,
        generate: generate::handshake::request,
    },
    Target {
        name: "handshake_client",
        run: handshake_client::run,
        generate: generate::handshake::response,
    },
    Target {
        name: "deflate",
        run: deflate::run,
        generate: generate::deflate,
    },
    Target {
        name: "pair",
        run: pair::run,
        generate: generate::pair,
    },
    Target {
        name: "differential",
        run: differential::run,
        generate: generate::differential,
    },
    Target {
        name: "native",
        run: native::run,
        generate: generate::hub::native,
    },
    Target {
        name: "cursor",
        run: cursor::run,
        generate: generate::hub::cursor,
    },
];

/// The target with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool::new());
}

/// Lends this thread's pool of compressors: it lives on from input to input, as it does from
/// connection to connection, so that what leaks through it is found.
fn with_pool<T>(use_it: impl FnOnce(&mut Pool) -> T) -> T {
    POOL.with_borrow_mut(use_it)
}

/// How an input is cut into pieces, as one byte of it says: 0: not at all; to 63: into pieces of that
/// size; above: at random places.
fn cut_sizes(byte: u8) -> impl FnMut() -> usize {
    let mut rng = Rng::new(u64::from(byte));
    move || match byte {
        0 => usize::MAX,
        1..=63 => usize::from(byte),
        // Mostly tiny, so that headers and characters are cut, but not only.
        _ => match rng.below(8) {
            0 => rng.within(1, 4000),
            1..=3 => rng.within(1, 60),
            _ => rng.within(1, 5),
        },
    }
}

/// Reads numbers off the front of an input; zeros when it has run out.
#[derive(Debug)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn pair(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
