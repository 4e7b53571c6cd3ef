//! What holds for every answer of every engine.

use tidewire_hub_core::contract::{Done, Effect, Page, PageLimit};
use tidewire_hub_proto::Publication;

/// What holds for every answer.
pub(super) fn check(effect: &Effect, done: &Done) {
    match (effect, done) {
        (Effect::Read { after, limit, .. }, Done::Page(Ok(page))) => {
            check_page(page, *limit);
            let first = page.records.first().and_then(|first| first.pos);
            assert_ne!(
                first.map(|first| first.is_after(*after)),
                Some(Some(false)),
                "not after {after:?}: {page:?}"
            );
            assert_eq!(page.head.term, after.term, "the term of a read has ended");
        }
        (Effect::ReadBack { before, limit, .. }, Done::Page(Ok(page))) => {
            check_page(page, *limit);
            let last = page.records.last().and_then(|last| last.pos);
            if let (Some(before), Some(last)) = (before, last) {
                assert_eq!(before.is_after(last), Some(true), "not before {before:?}");
            }
        }
        (Effect::Append { .. }, Done::Appended(Ok(appended))) => {
            assert!(appended.pos.offset > 0, "offset 0 is before any record");
        }
        (Effect::Watch { .. }, Done::Watched(_))
        | (Effect::Append { .. }, Done::Appended(_))
        | (Effect::Relay { .. }, Done::Relayed(_))
        | (Effect::Read { .. } | Effect::ReadBack { .. }, Done::Page(_))
        | (Effect::Redact { .. }, Done::Redacted(_))
        | (Effect::Enter { .. }, Done::Entered(_))
        | (Effect::Members { .. }, Done::Members(_)) => {}
        _ => panic!("{effect:?} was answered with {done:?}"),
    }
}

fn check_page(page: &Page, limit: PageLimit) {
    let count = page.records.len();
    assert!(count <= limit.records.max(1), "more than {limit:?}");
    let weight: usize = page.records.iter().map(Publication::weight).sum();
    let fits = weight <= limit.bytes || count == 1;
    assert!(fits, "{weight} bytes are more than {limit:?}");
    assert!(
        count > 0 || !page.more,
        "an empty page, and yet there is more"
    );
    let mut before = None;
    for record in &page.records {
        let Some(pos) = record.pos else {
            panic!("a record without a position: {record:?}");
        };
        assert_eq!(pos.term, page.head.term, "one page, one term");
        assert_ne!(pos.is_after(page.head), Some(true), "behind the head");
        let grows = before.is_none_or(|before| pos.is_after(before) == Some(true));
        assert!(grows, "positions grow");
        before = Some(pos);
    }
}
