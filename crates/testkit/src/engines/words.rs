//! Small words of the cases: records of a text, and what records say.

use super::ear::Heard;
use tidewire_hub_core::contract::{Done, Fault, PageLimit};
use tidewire_hub_proto::{Member, Origin, Payload, Publication};

/// A page of everything.
pub const ALL: PageLimit = PageLimit {
    records: 100_000,
    bytes: usize::MAX,
};

/// Why an effect failed, if it did.
#[must_use]
pub fn fault_of(done: &Done) -> Option<&Fault> {
    match done {
        Done::Watched(result) => result.as_ref().err(),
        Done::Appended(result) => result.as_ref().err(),
        Done::Relayed(result) => result.as_ref().err(),
        Done::Page(result) => result.as_ref().err(),
        Done::Redacted(result) => result.as_ref().err(),
        Done::Entered(result) => result.as_ref().err(),
        Done::Members(result) => result.as_ref().err(),
        _ => None,
    }
}

/// A record of this text by a user called Ann.
#[must_use]
pub fn publication(text: &str) -> Publication {
    let from = Origin {
        user: Some("ann".into()),
        ..Origin::default()
    };
    Publication::new(from, Payload::text(text))
}

/// The texts of records.
#[must_use]
pub fn texts(records: &[Publication]) -> Vec<String> {
    let text = |record: &Publication| {
        let payload = record.payload.as_ref();
        payload
            .and_then(|payload| payload.as_str())
            .unwrap_or("(none)")
            .to_owned()
    };
    records.iter().map(text).collect()
}

/// The texts of what was heard; passing ones begin with `~`.
#[must_use]
pub fn heard_texts(heard: &[Heard]) -> Vec<String> {
    let text = |heard: &Heard| match heard {
        Heard::Record(record) => texts(std::slice::from_ref(record)).concat(),
        Heard::Relayed(record) => format!("~{}", texts(std::slice::from_ref(record)).concat()),
        Heard::Lost(_) => "(lost)".to_owned(),
    };
    heard.iter().map(text).collect()
}

/// A session of a user.
#[must_use]
pub fn member(session: &str, user: &str) -> Member {
    Member {
        session: session.into(),
        origin: Origin {
            user: Some(user.into()),
            ..Origin::default()
        },
    }
}
