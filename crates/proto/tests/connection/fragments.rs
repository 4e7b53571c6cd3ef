//! Messages that are sent in fragments and compressed: RSV1, flushes, masks, and what is refused.

use tidewire_proto::deflate::Pool;
use tidewire_proto::{Config, Kind, Role, SendError};
use tidewire_testkit::{Agreed, Heard, Random, RawPeer, wire};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// A connection that sends, and the one that hears it.
struct Talk {
    sender: RawPeer,
    hearer: RawPeer,
    masks: Random,
    out: Vec<u8>,
}

impl Talk {
    fn new(role: Role, agreed: Option<Agreed>) -> Self {
        let agreed = agreed.map(Agreed::compression);
        Self {
            sender: RawPeer::facing_with(role, Config::default(), agreed),
            hearer: RawPeer::facing_with(role.peer(), Config::default(), agreed),
            masks: Random::new(9),
            out: Vec::new(),
        }
    }

    fn fragment(&mut self, kind: Kind, fin: bool, payload: &[u8]) -> Result<(), SendError> {
        let RawPeer {
            connection, pool, ..
        } = &mut self.sender;
        connection.send_fragment_compressed(
            kind,
            fin,
            payload,
            &mut self.masks,
            pool,
            &mut self.out,
        )
    }

    fn flush(&mut self) {
        self.sender
            .connection
            .flush_fragments(&mut self.masks, &mut self.out)
            .unwrap();
    }

    /// What is on the wire since the last call, as (fin, rsv, opcode) of each frame.
    fn deliver(&mut self) -> Vec<(bool, u8, u8)> {
        let bytes = std::mem::take(&mut self.out);
        self.hearer.send_bytes(&bytes).unwrap();
        let (frames, rest) = wire::parse(&bytes);
        assert!(rest.is_empty());
        let masked = self.sender.connection.role() == Role::Client;
        assert!(frames.iter().all(|frame| frame.masked == masked));
        frames
            .iter()
            .map(|frame| (frame.fin, frame.rsv, frame.opcode))
            .collect()
    }
}

#[test]
fn rsv1_is_set_on_the_first_fragment_alone_and_the_last_flushes() {
    for role in ROLES {
        for agreed in [Agreed::takeover(), Agreed::no_takeover()] {
            let mut talk = Talk::new(role, Some(agreed));
            let noise = Random::new(2).bytes(300_000);
            for _ in 0..3 {
                let parts: Vec<_> = noise.chunks(70_000).collect();
                for (i, part) in parts.iter().enumerate() {
                    let fin = i + 1 == parts.len();
                    talk.fragment(Kind::Binary, fin, part).unwrap();
                }
                let frames = talk.deliver();
                let last = frames.len() - 1;
                for (i, frame) in frames.iter().enumerate() {
                    let first = if i == 0 { (4, 2) } else { (0, 0) };
                    assert_eq!(*frame, (i == last, first.0, first.1));
                }
                assert!(last > 0, "fragments");
                assert!(!talk.sender.connection.is_fragmenting());
                let heard = talk.hearer.take_heard();
                assert!(heard == [Heard::Binary(noise.clone())]);
            }
        }
    }
}

#[test]
fn what_the_compressor_holds_back_goes_out_when_it_is_flushed() {
    for role in ROLES {
        let mut talk = Talk::new(role, Some(Agreed::takeover()));
        talk.fragment(Kind::Text, false, b"").unwrap();
        talk.fragment(Kind::Text, false, b"Hel").unwrap();
        assert!(talk.out.is_empty() && talk.sender.connection.is_fragmenting());
        talk.flush();
        assert_eq!(talk.deliver(), [(false, 4, 1)]);
        talk.flush();
        assert!(talk.out.is_empty(), "nothing is held back");
        talk.fragment(Kind::Text, false, b"lo").unwrap();
        talk.flush();
        assert_eq!(talk.deliver(), [(false, 0, 0)]);
        talk.fragment(Kind::Text, true, b"").unwrap();
        assert_eq!(talk.deliver(), [(true, 0, 0)]);
        talk.hearer.assert_heard(&[Heard::text("Hello")]);
        talk.flush();
        assert!(talk.out.is_empty());
    }
}

#[test]
fn a_message_of_one_fragment_is_sent_as_any_other() {
    for role in ROLES {
        let agreed = Agreed::takeover().threshold(10);
        for (payload, rsv) in [("short", 0), ("long enough, long enough", 4), ("", 0)] {
            let mut talk = Talk::new(role, Some(agreed));
            talk.fragment(Kind::Text, true, payload.as_bytes()).unwrap();
            assert_eq!(talk.deliver(), [(true, rsv, 1)]);
            talk.hearer.assert_heard(&[Heard::text(payload)]);
        }
        let mut talk = Talk::new(role, None);
        talk.fragment(Kind::Binary, false, b"not ").unwrap();
        talk.flush();
        talk.fragment(Kind::Binary, true, b"agreed").unwrap();
        assert_eq!(talk.deliver(), [(false, 0, 2), (true, 0, 0)]);
        talk.hearer.assert_heard(&[Heard::binary("not agreed")]);
    }
}

#[test]
fn other_messages_wait_and_control_frames_do_not() {
    for role in ROLES {
        for agreed in [Agreed::takeover(), Agreed::no_takeover()] {
            let mut talk = Talk::new(role, Some(agreed));
            talk.fragment(Kind::Text, false, b"Hel").unwrap();
            let refused = Err(SendError::FragmentedMessageOpen);
            assert_eq!(talk.sender.connection_sends_text("x"), refused);
            assert_eq!(talk.fragment(Kind::Binary, false, b"x"), refused);
            let RawPeer { connection, .. } = &mut talk.sender;
            let mixed =
                connection.send_fragment(Kind::Text, true, b"", &mut talk.masks, &mut talk.out);
            assert_eq!(mixed, refused, "half compressed");
            assert!(
                connection
                    .send_fragment_head(Kind::Text, true, 1)
                    .unwrap()
                    .is_none()
            );
            connection.ping(b"between").unwrap();
            let now = talk.hearer.now;
            connection.poll_transmit(now, &mut talk.masks, &mut talk.out);
            talk.fragment(Kind::Text, true, b"lo").unwrap();
            assert_eq!(talk.deliver(), [(true, 0, 9), (true, 4, 1)]);
            let ping = Heard::Ping(b"between".to_vec());
            talk.hearer.assert_heard(&[ping, Heard::text("Hello")]);
            assert_eq!(talk.sender.connection_sends_text("x"), Ok(()));
        }
    }
}

#[test]
fn behind_a_close_nothing_follows() {
    for role in ROLES {
        let mut talk = Talk::new(role, Some(Agreed::takeover()));
        talk.fragment(Kind::Text, false, b"Hel").unwrap();
        talk.sender.connection_closes(1011, "gave up");
        let closing = Err(SendError::Closing);
        assert_eq!(talk.fragment(Kind::Text, true, b"lo"), closing);
        let RawPeer { connection, .. } = &mut talk.sender;
        let flushed = connection.flush_fragments(&mut talk.masks, &mut talk.out);
        assert_eq!(flushed, closing);
        assert!(talk.out.is_empty());
    }
}

#[test]
fn a_head_and_the_payload_behind_it_are_what_send_fragment_would_have_written() {
    let (mut pool, mut masks) = (Pool::default(), Random::new(1));
    let payload = vec![7; 70_000];
    let mut one = RawPeer::facing(Role::Server).connection;
    let mut other = RawPeer::facing(Role::Server).connection;
    for fin in [false, false, true] {
        let head = one
            .send_fragment_head(Kind::Binary, fin, payload.len())
            .unwrap();
        let mut out = Vec::new();
        other
            .send_fragment_compressed(Kind::Binary, fin, &payload, &mut masks, &mut pool, &mut out)
            .unwrap();
        assert_eq!([head.unwrap().as_bytes(), &payload].concat(), out);
    }
    assert!(!one.is_fragmenting());
    let mut client = RawPeer::facing(Role::Client).connection;
    assert!(
        client
            .send_fragment_head(Kind::Binary, false, 1)
            .unwrap()
            .is_none()
    );
    assert!(!client.is_fragmenting());
}
