//! What is kept, what is trimmed, and what a damaged file does.

#![allow(clippy::unwrap_used)]

mod common;
use bytes::Bytes;
use common::*;
use rusqlite::Connection;
use std::collections::BTreeMap;
use tempfile::tempdir;
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_core::{Done, Effect, Fault, Notice, PageLimit};
use tidewire_hub_proto::{Exclude, Origin, Payload, Pos, Publication};
use tidewire_hub_sqlite::{OpenError, OpenOptions};

fn database(folder: &std::path::Path) -> Connection {
    Connection::open(folder.join("tidewire.db")).unwrap()
}

#[test]
fn every_field_of_a_record_comes_back_after_a_restart() {
    let folder = tempdir().unwrap();
    let json = serde_json::value::RawValue::from_string(r#"{"a": [1,2]}"#.into()).unwrap();
    let mut records = vec![
        Publication::new(Origin::default(), Payload::json(&json)),
        Publication::new(
            Origin {
                user: Some("ann".into()),
                client: Some("c1".into()),
                name: Some("Ann \u{1f600}".into()),
            },
            Payload::text("hello\0there"),
        ),
        Publication::new(
            Origin::default(),
            Payload::binary(Bytes::from_static(b"\xff\0")),
        ),
        Publication::new(Origin::default(), Payload::text("")),
    ];
    records[1].key = Some("k".into());
    records[1].exclude = Some(Exclude::Session("s1".into()));
    records[2].exclude = Some(Exclude::Publisher);
    let engine = Engine::open(folder.path());
    for record in &mut records {
        record.pos = Some(engine.try_append("a", record.clone(), None).unwrap().pos);
    }
    let before = engine.history("a");
    drop(engine);
    let after = Engine::open(folder.path()).history("a");
    assert_eq!(before, after);
    for (kept, record) in after.records.iter().zip(&mut records) {
        assert!(kept.at > 1_700_000_000_000);
        record.at = kept.at;
        assert_eq!(kept, record);
    }
}

#[test]
fn the_history_is_as_long_as_its_options_say_although_more_is_on_the_disk() {
    let folder = tempdir().unwrap();
    let engine = Engine::with(folder.path(), options(10), OpenOptions::default()).unwrap();
    let tickets: Vec<_> = (0..1000)
        .map(|n| engine.submit(append("a", text(&n.to_string()), None)))
        .collect();
    let mut positions = Vec::new();
    for ticket in tickets {
        let Done::Appended(Ok(appended)) = engine.done(ticket) else {
            panic!("not kept");
        };
        positions.push(appended.pos);
    }
    let page = engine.history("a");
    assert_eq!(
        texts(&page)[..],
        (990..1000).map(|n| n.to_string()).collect::<Vec<_>>()[..]
    );
    assert!(!page.more);
    let head = *positions.last().unwrap();
    assert_eq!(
        engine.read("a", positions[988], ALL),
        Err(Fault::Gone(head))
    );
    assert_eq!(
        engine.read("a", engine.beginning(), ALL),
        Err(Fault::Gone(head))
    );
    assert_eq!(
        engine.read("a", positions[989], ALL).unwrap().records.len(),
        10
    );
    drop(engine);
    let rows: i64 = database(folder.path())
        .query_row("SELECT count(*) FROM records", [], |row| row.get(0))
        .unwrap();
    assert!((10..100).contains(&rows), "{rows} rows were left");
}

#[test]
fn what_is_too_old_is_gone_and_its_idle_channel_is_forgotten() {
    let folder = tempdir().unwrap();
    let short = LogOptions {
        max_records: 100,
        max_age: 300,
        key_age: 300,
        grace: 0,
    };
    let engine = Engine::with(
        folder.path(),
        BTreeMap::from([("chat".into(), short)]),
        OpenOptions::default(),
    )
    .unwrap();
    let first = engine.try_append("a", text("1"), Some("k")).unwrap().pos;
    assert_eq!(engine.history("a").records.len(), 1);
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(engine.history("a").records.len(), 0);
    assert_eq!(
        engine.read("a", engine.beginning(), ALL),
        Err(Fault::Gone(first))
    );
    assert!(
        !engine
            .try_append("a", text("2"), Some("k"))
            .unwrap()
            .repeated
    );
    std::thread::sleep(std::time::Duration::from_millis(400));
    drop(engine);
    let engine = Engine::with(
        folder.path(),
        BTreeMap::from([("chat".into(), short)]),
        OpenOptions::default(),
    )
    .unwrap();
    let counted = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        let read = database(folder.path());
        read.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ["records", "keys", "channels"]
        .iter()
        .any(|table| counted(table) > 0)
    {
        assert!(
            std::time::Instant::now() < until,
            "the sweep forgets nothing"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // A position is never given twice, and what was there is not taken for nothing.
    let head = engine.watch("a").unwrap();
    assert_eq!(head.offset, first.offset + 1);
    assert_eq!(engine.read("a", first, ALL), Err(Fault::Gone(head)));
    assert!(engine.append("a", "3").offset > head.offset);
    assert_eq!(texts(&engine.read("a", head, ALL).unwrap()), ["3"]);
}

#[test]
fn pages_are_bounded_and_say_whether_there_is_more() {
    let folder = tempdir().unwrap();
    let engine = Engine::open(folder.path());
    let begin = engine.watch("a").unwrap();
    assert_eq!(begin, engine.beginning());
    let all: Vec<Pos> = (0..10)
        .map(|n| engine.append("a", &n.to_string()))
        .collect();
    let limit = |records, bytes| PageLimit { records, bytes };
    let page = engine.read("a", begin, limit(3, 1 << 20)).unwrap();
    assert_eq!(
        (texts(&page).join(""), page.more, page.head),
        ("012".into(), true, all[9])
    );
    let page = engine.read("a", all[6], limit(3, 1 << 20)).unwrap();
    assert_eq!((texts(&page).join(""), page.more), ("789".into(), false));
    // The first goes in whatever it weighs.
    let page = engine.read("a", all[6], limit(0, 0)).unwrap();
    assert_eq!((texts(&page).join(""), page.more), ("7".into(), true));
    let Done::Page(Ok(page)) = engine.ask(Effect::ReadBack {
        channel: channel("a"),
        before: Some(all[5]),
        limit: limit(2, 1 << 20),
    }) else {
        panic!("no page");
    };
    assert_eq!((texts(&page).join(""), page.more), ("34".into(), true));
    // Ahead of the log, and of another one.
    let ahead = Pos::new(all[9].term, all[9].offset + 1);
    assert_eq!(engine.read("a", ahead, ALL), Err(Fault::Gone(all[9])));
    let far = Pos::new(all[9].term, u64::MAX);
    assert_eq!(engine.read("a", far, ALL), Err(Fault::Gone(all[9])));
    let other = Pos::new(tidewire_hub_proto::Term(1), all[3].offset);
    assert_eq!(engine.read("a", other, ALL), Err(Fault::Gone(all[9])));
}

#[test]
fn a_damaged_row_is_named_and_harms_no_other() {
    let folder = tempdir().unwrap();
    let engine = Engine::open(folder.path());
    let positions: Vec<Pos> = (0..6).map(|n| engine.append("a", &n.to_string())).collect();
    engine.append("b", "sound");
    drop(engine);
    let file = database(folder.path());
    for sql in [
        "UPDATE records SET kind = 7 WHERE offset = 2",
        "UPDATE records SET payload = x'ff' WHERE offset = 3 AND channel = 1",
        "UPDATE records SET at = -1 WHERE offset = 4",
        "UPDATE records SET exclude = 'x' WHERE offset = 5",
        "DELETE FROM records WHERE offset = 6",
        "INSERT INTO channels VALUES (77, 'chat:c', 5, 9, 1)",
        "INSERT INTO channels VALUES (78, 'chat:d', 'many', 0, 1)",
        "INSERT INTO channels VALUES (79, 'no name', 1, 0, 1)",
    ] {
        assert_eq!(file.execute(sql, []).unwrap(), 1, "{sql}");
    }
    drop(file);
    let engine = Engine::open(folder.path());
    for (pos, next) in positions.iter().zip(2..=6) {
        let Err(Fault::Unavailable(why)) = engine.read("a", *pos, ALL) else {
            panic!("record {next} was read");
        };
        assert!(why.contains(&format!("record {next} of chat:a")), "{why}");
    }
    let page = engine.read(
        "a",
        engine.beginning(),
        PageLimit {
            records: 1,
            bytes: 0,
        },
    );
    assert_eq!(texts(&page.unwrap()), ["0"]);
    // In one batch with damaged channels.
    let effects = ["c", "b", "d", "a"].map(|to| engine.submit(append(to, text("more"), None)));
    let kept = effects.map(|ticket| match engine.done(ticket) {
        Done::Appended(result) => result.is_ok(),
        other => panic!("{other:?}"),
    });
    assert_eq!(kept[..3], [false, true, false]);
    assert!(matches!(engine.watch("c"), Err(Fault::Unavailable(_))));
    assert_eq!(texts(&engine.history("b")), ["sound", "more"]);
}

#[test]
fn redaction_takes_the_payload_and_leaves_the_place() {
    let folder = tempdir().unwrap();
    let engine = Engine::open(folder.path());
    let first = engine.append("a", "secret");
    engine.append("a", "2");
    let redact = |pos| match engine.ask(Effect::Redact {
        channel: channel("a"),
        pos,
    }) {
        Done::Redacted(result) => result.unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(redact(first));
    assert!(!redact(engine.beginning()));
    assert!(!redact(Pos::new(first.term, u64::MAX)));
    assert!(!redact(Pos::new(tidewire_hub_proto::Term(5), first.offset)));
    assert_eq!(texts(&engine.history("a")), ["(redacted)", "2"]);
    drop(engine);
    assert_eq!(
        texts(&Engine::open(folder.path()).history("a")),
        ["(redacted)", "2"]
    );
}

#[test]
fn a_relay_is_told_in_order_and_not_kept() {
    let folder = tempdir().unwrap();
    let engine = Engine::open(folder.path());
    engine.watch("a").unwrap();
    for n in 0..100 {
        engine.submit(append("a", text(&n.to_string()), None));
        engine.submit(Effect::Relay {
            channel: channel("a"),
            publication: text(&n.to_string()),
        });
    }
    for n in 0..100 {
        let Notice::Record {
            publication, prev, ..
        } = engine.notice()
        else {
            panic!("not the record {n}");
        };
        assert_eq!(publication.payload, text(&n.to_string()).payload);
        assert_eq!(prev.unwrap().offset + 1, publication.pos.unwrap().offset);
        let Notice::Relayed { publication, .. } = engine.notice() else {
            panic!("not the relay {n}");
        };
        assert_eq!((publication.pos, publication.at > 0), (None, true));
        assert_eq!(publication.payload, text(&n.to_string()).payload);
    }
    assert_eq!(engine.history("a").records.len(), 100);
}

#[test]
fn too_much_is_refused_at_once_and_not_kept() {
    let folder = tempdir().unwrap();
    let mut open = OpenOptions::default();
    open.queue_bytes = 10_000;
    let engine = Engine::with(folder.path(), options(100), open).unwrap();
    let large = text(&"x".repeat(20_000));
    assert_eq!(engine.try_append("a", large, None), Err(Fault::Overloaded));
    assert_eq!(engine.engine.counters().overloaded, 1);
    assert_eq!(engine.history("a").records.len(), 0);
    engine.append("a", "small");
    let other = engine.try_append("other:a", text("1"), None);
    assert!(matches!(other, Err(Fault::Unavailable(_))), "{other:?}");
}

#[test]
fn a_folder_whose_holder_is_leaving_is_waited_for() {
    let folder = tempdir().unwrap();
    let leaving = Engine::open(folder.path());
    let next = std::thread::scope(|scope| {
        let next = scope.spawn(|| Engine::with(folder.path(), options(1), OpenOptions::default()));
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(leaving);
        next.join().unwrap()
    });
    assert!(next.is_ok(), "{:?}", next.err());
}

#[test]
fn a_folder_that_cannot_be_opened_says_what_to_do() {
    let folder = tempdir().unwrap();
    let open = |path: &std::path::Path| {
        Engine::with(path, options(1), OpenOptions::default())
            .map(|_| ())
            .unwrap_err()
    };
    let engine = Engine::open(folder.path());
    let locked = open(folder.path());
    assert!(matches!(locked, OpenError::Locked { .. }));
    assert!(locked.to_string().contains("stop that one"), "{locked}");
    drop(engine);

    let sql = |sql: &str| database(folder.path()).execute_batch(sql).unwrap();
    sql("PRAGMA user_version = 99");
    assert!(matches!(
        open(folder.path()),
        OpenError::Newer { found: 99, .. }
    ));
    sql("PRAGMA user_version = 1; PRAGMA application_id = 5");
    assert!(matches!(open(folder.path()), OpenError::Damaged { .. }));
    sql("PRAGMA application_id = 1417110626; UPDATE state SET term = -5");
    assert!(matches!(open(folder.path()), OpenError::Damaged { .. }));
    std::fs::write(folder.path().join("tidewire.db"), [b'x'; 9000]).unwrap();
    let damaged = open(folder.path());
    assert!(matches!(damaged, OpenError::Damaged { .. }), "{damaged}");
    let file = folder.path().join("witness");
    let not_a_folder = open(&file);
    assert!(
        matches!(not_a_folder, OpenError::NotWritable { .. }),
        "{not_a_folder:?}"
    );
}

#[test]
fn a_secret_is_made_once() {
    let folder = tempdir().unwrap();
    let engine = Engine::open(folder.path());
    let secret = engine.engine.secret("client ids").unwrap();
    assert_eq!(engine.engine.secret("client ids").unwrap(), secret);
    assert_ne!(engine.engine.secret("other").unwrap(), secret);
    engine.engine.close();
    let engine = Engine::open(folder.path());
    assert_eq!(engine.engine.secret("client ids").unwrap(), secret);
    assert_ne!(secret, [0; 32]);
}
