//! A page of records out of what is committed.

use crate::floor::{Span, at, find, floor};
use crate::row;
use crate::statements::Reading;
use crate::trouble::Trouble;
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_core::{Fault, Page, PageLimit};
use tidewire_hub_proto::{Channel, Pos, Publication, Term};

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum NoPage {
    Gone(Pos),
    Trouble(Trouble),
}

impl<E: Into<Trouble>> From<E> for NoPage {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

impl NoPage {
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::Gone(head) => Fault::Gone(*head),
            Self::Trouble(trouble) => trouble.fault(),
        }
    }
}

/// Which records of which channel.
#[derive(Debug)]
pub(crate) enum Wanted {
    After(Pos),
    Before(Option<Pos>),
}

/// Reads in one transaction, so that head and records belong together.
pub(crate) fn read(
    say: &mut Reading<'_>,
    term: Term,
    channel: &Channel,
    options: &LogOptions,
    now: i64,
    wanted: &Wanted,
    limit: PageLimit,
) -> Result<Page, NoPage> {
    say.begin.execute([])?;
    let page = read_inside(say, term, channel, options, now, wanted, limit);
    say.end.execute([])?;
    page
}

fn read_inside(
    say: &mut Reading<'_>,
    term: Term,
    channel: &Channel,
    options: &LogOptions,
    now: i64,
    wanted: &Wanted,
    limit: PageLimit,
) -> Result<Page, NoPage> {
    let span = match find(&mut say.find, channel)? {
        Some(span) => span,
        None => Span::empty(say.forgotten.query_row([], |row| row.get(0))?),
    };
    let begin = floor(span, options, now, |offset| at(&mut say.at, span, offset))?;
    let pos = |offset: i64| Pos::new(term, u64::try_from(offset).unwrap_or(0));
    let head = pos(span.head);
    // A position of this log, as an offset that can be compared.
    let offset = |pos: Pos| {
        i64::try_from(pos.offset)
            .ok()
            .filter(|&offset| pos.term == term && offset <= span.head)
            .ok_or(NoPage::Gone(head))
    };
    let mut filling = Filling::new(limit);
    match *wanted {
        Wanted::After(after) => {
            let after = offset(after)?;
            if after < begin {
                return Err(NoPage::Gone(head));
            }
            let mut rows = say
                .forward
                .query((span.id, after, span.head, filling.rows()))?;
            let mut next = after + 1;
            while next <= span.head && filling.has_room() {
                let row = rows.next()?.ok_or_else(|| missing(channel, next))?;
                if !filling.take(row::restore(row, channel, term, next)?) {
                    break;
                }
                next += 1;
            }
            Ok(Page {
                records: filling.records,
                head,
                more: next <= span.head,
            })
        }
        Wanted::Before(before) => {
            let mut last = match before {
                None => span.head,
                Some(before) => offset(before)?.saturating_sub(1),
            };
            let mut rows = say.back.query((span.id, begin, last, filling.rows()))?;
            while last > begin && filling.has_room() {
                let row = rows.next()?.ok_or_else(|| missing(channel, last))?;
                if !filling.take(row::restore(row, channel, term, last)?) {
                    break;
                }
                last -= 1;
            }
            filling.records.reverse();
            Ok(Page {
                records: filling.records,
                head,
                more: last > begin,
            })
        }
    }
}

fn missing(channel: &Channel, offset: i64) -> Trouble {
    Trouble::damaged(format!("record {offset} of {channel} is missing"))
}

/// A page that fills; the first record always goes in.
struct Filling {
    records: Vec<Publication>,
    most: usize,
    bytes: usize,
}

impl Filling {
    fn new(limit: PageLimit) -> Self {
        Self {
            records: Vec::new(),
            most: limit.records.max(1),
            bytes: limit.bytes,
        }
    }

    fn rows(&self) -> i64 {
        i64::try_from(self.most).unwrap_or(i64::MAX)
    }

    fn has_room(&self) -> bool {
        self.records.len() < self.most
    }

    /// `false`: it would be too much, and is not in.
    fn take(&mut self, record: Publication) -> bool {
        let weight = record.weight();
        if weight > self.bytes && !self.records.is_empty() {
            return false;
        }
        self.bytes = self.bytes.saturating_sub(weight);
        self.records.push(record);
        true
    }
}
