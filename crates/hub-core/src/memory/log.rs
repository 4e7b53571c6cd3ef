//! The log of one channel in memory: its records, what was trimmed, and the keys it remembers.

use crate::contract::{Fault, IdempotencyKey, LogOptions, Page, PageLimit};
use std::collections::{BTreeMap, VecDeque};
use tidewire_hub_proto::{Pos, Publication, Term};

/// Keys that a channel remembers at least, if they are young enough.
const MIN_KEYS: usize = 1000;
/// What a channel occupies beside its records and keys, about.
const OVERHEAD: usize = 512;

#[derive(Debug)]
struct Record {
    offset: u64,
    publication: Publication,
}

/// One channel's log.
#[derive(Debug)]
pub(super) struct Log {
    term: Term,
    options: LogOptions,
    records: VecDeque<Record>,
    /// Offset of the newest record that ever was, or where the log began.
    head: u64,
    /// What was at or before this is not kept.
    trimmed_to: u64,
    keys: BTreeMap<IdempotencyKey, u64>,
    /// Every key by age, oldest first.
    key_ages: VecDeque<(u64, IdempotencyKey)>,
    bytes: usize,
    /// When it was last of use to anybody.
    touched: u64,
    /// When the engine looks at it again.
    pub(super) due: Option<u64>,
}

impl Log {
    /// An empty log. Records before `begin` may have been there, and are gone.
    pub(super) fn new(term: Term, begin: u64, options: LogOptions, now: u64) -> Self {
        Self {
            term,
            options,
            records: VecDeque::new(),
            head: begin,
            trimmed_to: begin,
            keys: BTreeMap::new(),
            key_ages: VecDeque::new(),
            bytes: OVERHEAD,
            touched: now,
            due: None,
        }
    }

    pub(super) fn touch(&mut self, now: u64) {
        self.touched = now;
    }

    pub(super) fn head(&self) -> Pos {
        Pos::new(self.term, self.head)
    }

    /// About how many bytes it occupies.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many bytes more it would occupy with this record.
    pub(super) fn growth(&self, publication: &Publication, key: Option<&IdempotencyKey>) -> usize {
        let grown = publication.weight() + key.map_or(0, key_weight);
        let full = self.records.len() >= self.options.max_records;
        let displaced = self.records.front().filter(|_| full);
        grown.saturating_sub(displaced.map_or(0, |record| record.publication.weight()))
    }

    /// Where the record of this key is.
    pub(super) fn find_key(&self, key: &IdempotencyKey) -> Option<Pos> {
        let offset = *self.keys.get(key)?;
        Some(Pos::new(self.term, offset))
    }

    /// Keeps a record, which has its position, and gives the position of the one before.
    pub(super) fn append(
        &mut self,
        offset: u64,
        publication: Publication,
        key: Option<IdempotencyKey>,
        now: u64,
    ) -> Pos {
        let before = self.head();
        self.bytes += publication.weight();
        self.records.push_back(Record {
            offset,
            publication,
        });
        self.head = offset;
        self.touched = now;
        if let Some(key) = key {
            self.bytes += key_weight(&key);
            self.key_ages.push_back((now, key.clone()));
            self.keys.insert(key, offset);
        }
        self.trim(now);
        before
    }

    /// Drops what is too much or too old.
    pub(super) fn trim(&mut self, now: u64) {
        while let Some(oldest) = self.records.front() {
            let expired = now > expiry(oldest.publication.at, self.options.max_age);
            if self.records.len() <= self.options.max_records && !expired {
                break;
            }
            self.trimmed_to = oldest.offset;
            self.bytes = self.bytes.saturating_sub(oldest.publication.weight());
            self.records.pop_front();
        }
        let most = self.options.max_records.max(MIN_KEYS);
        while let Some((at, key)) = self.key_ages.front() {
            if self.key_ages.len() <= most && now <= expiry(*at, self.options.key_age) {
                break;
            }
            self.bytes = self.bytes.saturating_sub(key_weight(key));
            self.keys.remove(key);
            self.key_ages.pop_front();
        }
    }

    /// When a look at it is worth it: something is too old then.
    pub(super) fn next_due(&self, watched: bool) -> Option<u64> {
        let record = self.records.front();
        let record = record.map(|record| expiry(record.publication.at, self.options.max_age));
        let key = self.key_ages.front();
        let key = key.map(|(at, _)| expiry(*at, self.options.key_age));
        let due = match (record, key) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let idle = (!watched).then(|| expiry(self.touched, self.options.max_age));
        due.or(idle).map(|last| last.saturating_add(1))
    }

    /// Whether it holds nothing and nobody has needed it for as long as a record is kept.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        self.is_empty() && now > expiry(self.touched, self.options.max_age)
    }

    /// Whether it holds no record and no key.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.key_ages.is_empty()
    }

    pub(super) fn read(&self, after: Pos, limit: PageLimit) -> Result<Page, Fault> {
        let known = self.trimmed_to..=self.head;
        if after.term != self.term || !known.contains(&after.offset) {
            return Err(Fault::Gone(self.head()));
        }
        let first = self.place_after(after.offset);
        let mut page = Filling::new(limit);
        let records = self
            .records
            .range(first..)
            .take_while(|record| page.takes(&record.publication))
            .map(|record| record.publication.detached())
            .collect::<Vec<_>>();
        Ok(Page {
            more: first + records.len() < self.records.len(),
            records,
            head: self.head(),
        })
    }

    pub(super) fn read_back(&self, before: Option<Pos>, limit: PageLimit) -> Result<Page, Fault> {
        let end = match before {
            None => self.records.len(),
            Some(before) if before.term != self.term || before.offset > self.head => {
                return Err(Fault::Gone(self.head()));
            }
            Some(before) => self.place_after(before.offset.saturating_sub(1)),
        };
        let mut page = Filling::new(limit);
        let mut records = self
            .records
            .range(..end)
            .rev()
            .take_while(|record| page.takes(&record.publication))
            .map(|record| record.publication.detached())
            .collect::<Vec<_>>();
        records.reverse();
        Ok(Page {
            more: records.len() < end,
            records,
            head: self.head(),
        })
    }

    /// Forgets what a record carries; `false`: there is no such record.
    pub(super) fn redact(&mut self, pos: Pos) -> bool {
        let place = self.place_after(pos.offset.saturating_sub(1));
        let record = self.records.get_mut(place);
        let Some(record) = record.filter(|record| record.publication.pos == Some(pos)) else {
            return false;
        };
        let before = record.publication.weight();
        record.publication.payload = None;
        let freed = before.saturating_sub(record.publication.weight());
        self.bytes = self.bytes.saturating_sub(freed);
        true
    }

    /// Index of the first record behind `offset`.
    fn place_after(&self, offset: u64) -> usize {
        self.records
            .partition_point(|record| record.offset <= offset)
    }
}

/// A page that fills.
struct Filling {
    left: PageLimit,
    empty: bool,
}

impl Filling {
    fn new(limit: PageLimit) -> Self {
        Self {
            left: limit,
            empty: true,
        }
    }

    /// Whether the next record goes in. The first always does.
    fn takes(&mut self, publication: &Publication) -> bool {
        let weight = publication.weight();
        let fits = self.left.records > 0 && weight <= self.left.bytes;
        let takes = self.empty || fits;
        self.empty = false;
        self.left.records = self.left.records.saturating_sub(1);
        self.left.bytes = self.left.bytes.saturating_sub(weight);
        takes
    }
}

/// The last moment at which what was made at `at` is young enough.
fn expiry(at: u64, age: u64) -> u64 {
    at.saturating_add(age)
}

fn key_weight(key: &IdempotencyKey) -> usize {
    128 + 2 * (key.publisher.len() + key.key.len())
}
