//! A record as a row, and back. What a row holds is never trusted.

use crate::trouble::Trouble;
use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use tidewire_hub_proto::{Channel, Exclude, Origin, Payload, PayloadKind, Pos, Publication, Term};

fn kind_number(kind: PayloadKind) -> i64 {
    match kind {
        PayloadKind::Json => 0,
        PayloadKind::Text => 1,
        PayloadKind::Binary => 2,
    }
}

fn kind(number: i64) -> Option<PayloadKind> {
    Some(match number {
        0 => PayloadKind::Json,
        1 => PayloadKind::Text,
        2 => PayloadKind::Binary,
        _ => return None,
    })
}

/// Adds the row of a record.
pub(crate) fn insert(
    statement: &mut Statement<'_>,
    channel: i64,
    offset: i64,
    at: i64,
    record: &Publication,
) -> Result<(), Trouble> {
    let exclude = record.exclude.as_ref().map(|exclude| match exclude {
        Exclude::Session(session) => format!("s{session}"),
        Exclude::Publisher => "p".to_owned(),
    });
    let payload = record.payload.as_ref();
    statement.execute((
        channel,
        offset,
        at,
        record.from.user.as_deref(),
        record.from.client.as_deref(),
        record.from.name.as_deref(),
        record.key.as_deref(),
        exclude,
        payload.map(|payload| kind_number(payload.kind())),
        payload.map(|payload| &payload.bytes()[..]),
    ))?;
    Ok(())
}

/// The record of a row that must be of this offset.
pub(crate) fn restore(
    row: &Row<'_>,
    channel: &Channel,
    term: Term,
    offset: i64,
) -> Result<Publication, Trouble> {
    decode(row, term, offset)
        .ok_or_else(|| Trouble::damaged(format!("record {offset} of {channel} is damaged")))
}

fn decode(row: &Row<'_>, term: Term, offset: i64) -> Option<Publication> {
    let integer = |column| row.get_ref(column).ok()?.as_i64().ok();
    // Some(None): there is none; None: it is not a text.
    let text = |column| match row.get_ref(column).ok()? {
        ValueRef::Null => Some(None),
        ValueRef::Text(bytes) => Some(Some(Box::<str>::from(std::str::from_utf8(bytes).ok()?))),
        _ => None,
    };
    if integer(0)? != offset {
        return None;
    }
    let exclude = match text(6)? {
        None => None,
        Some(text) if *text == *"p" => Some(Exclude::Publisher),
        Some(text) => Some(Exclude::Session(text.strip_prefix('s')?.into())),
    };
    let payload = match (row.get_ref(7).ok()?, row.get_ref(8).ok()?) {
        (ValueRef::Null, ValueRef::Null) => None,
        (ValueRef::Integer(number), ValueRef::Blob(bytes)) => Some(Payload::restore(
            kind(number)?,
            Bytes::copy_from_slice(bytes),
        )?),
        _ => return None,
    };
    let origin = Origin {
        user: text(2)?,
        client: text(3)?,
        name: text(4)?,
    };
    // What it carries is set below: a redacted record carries nothing.
    let mut record = Publication::new(origin, Payload::binary(Bytes::new()));
    record.pos = Some(Pos::new(term, u64::try_from(offset).ok()?));
    record.at = u64::try_from(integer(1)?).ok()?;
    record.key = text(5)?;
    record.exclude = exclude;
    record.payload = payload;
    Some(record)
}
