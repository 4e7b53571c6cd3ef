//! A mailbox without room drops records and says where their channels stand.
#![allow(clippy::unwrap_used)]

use super::*;
use tidewire_hub_proto::{Origin, Payload, Publication, Term};

fn record(offset: u64, bytes: usize) -> ToShard {
    let mut publication = Publication::new(Origin::default(), Payload::binary(vec![0; bytes]));
    publication.pos = Some(Pos::new(Term(1), offset));
    ToShard::Notice(Notice::Record {
        channel: Channel::parse("big").unwrap(),
        prev: None,
        publication,
    })
}

#[test]
fn records_beyond_the_room_become_one_position_and_answers_still_come() {
    let (mailbox, mut inbox) = mailbox();
    for offset in 1..=100 {
        mailbox.tell(vec![record(offset, 1 << 20)]);
    }
    mailbox.tell(vec![
        record(101, 10),
        ToShard::Done(Ticket(7), Done::Relayed(Ok(()))),
    ]);
    assert!(inbox.missed().is_none(), "there is no room yet");
    let mut records = 0;
    let mut answers = 0;
    while let Some((_, parcel)) = inbox.take() {
        let Parcel::Told(messages) = parcel else {
            panic!("{parcel:?}");
        };
        for message in messages {
            match message {
                ToShard::Done(Ticket(7), _) => answers += 1,
                _ => records += 1,
            }
        }
    }
    assert!((60..=65).contains(&records), "{records} of a mebibyte each");
    assert_eq!(answers, 1);
    let missed = inbox.missed().unwrap();
    let channel = Channel::parse("big").unwrap();
    assert_eq!(missed.get(&channel), Some(&Pos::new(Term(1), 101)));
    assert!(inbox.missed().is_none(), "told once");
}

#[test]
fn a_full_mailbox_refuses_appends_and_takes_what_must_be_done() {
    let (mailbox, _inbox) = mailbox();
    for offset in 1..=70 {
        mailbox.tell(vec![record(offset, 1 << 20)]);
    }
    let channel = Channel::parse("big").unwrap();
    let append = Effect::Append {
        channel: channel.clone(),
        publication: Publication::new(Origin::default(), Payload::text("x")),
        key: None,
    };
    let refused = mailbox.ask(ShardId(0), Ticket(1), append);
    assert!(matches!(
        refused,
        Err(Done::Appended(Err(Fault::Overloaded)))
    ));
    let unwatch = Effect::Unwatch { channel };
    assert!(mailbox.ask(ShardId(0), Ticket(2), unwatch).is_ok());
}
