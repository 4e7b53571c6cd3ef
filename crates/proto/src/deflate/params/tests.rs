//! Offers, answers and judgements of permessage-deflate, as tables.
#![allow(clippy::unwrap_used)]

use super::{AnswerError, Params, answer, judge, offer};
use crate::deflate::DeflateConfig;

type Given<'a> = Vec<(&'a str, Option<&'a str>)>;

/// Parameters of one offer or answer, as the header parser hands them over.
fn parse(text: &str) -> Given<'_> {
    let mut parts = text.split(';').map(str::trim);
    assert_eq!(parts.next(), Some("permessage-deflate"));
    parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (part, None),
        })
        .collect()
}

fn config(server_no: bool, client_no: bool, server: u8, client: u8) -> DeflateConfig {
    DeflateConfig::default()
        .server_no_context_takeover(server_no)
        .client_no_context_takeover(client_no)
        .server_max_window_bits(server)
        .client_max_window_bits(client)
}

fn params(server_no: bool, client_no: bool, server: u8, client: u8) -> Params {
    Params {
        server_no_context_takeover: server_no,
        client_no_context_takeover: client_no,
        server_max_window_bits: server,
        client_max_window_bits: client,
    }
}

#[test]
fn offers_say_what_is_wanted_in_order_of_preference() {
    let default = offer(&DeflateConfig::default());
    assert_eq!(
        default,
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         client_max_window_bits"
    );
    assert_eq!(
        offer(&config(false, false, 15, 15)),
        "permessage-deflate; client_max_window_bits"
    );
    assert_eq!(
        offer(&config(false, true, 10, 9)),
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=10; \
         client_max_window_bits=9, \
         permessage-deflate; client_no_context_takeover; server_max_window_bits=10; \
         client_max_window_bits"
    );
}

#[test]
fn answers_grant_what_is_asked_and_add_what_is_configured() {
    let free = config(false, false, 15, 15);
    let default = DeflateConfig::default();
    let tight = config(false, false, 11, 10);
    let table: [(&DeflateConfig, &str, &str, Params); 15] = [
        (
            &free,
            "permessage-deflate",
            "permessage-deflate",
            params(false, false, 15, 15),
        ),
        (
            &default,
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            params(true, true, 15, 15),
        ),
        (
            // What Chromium and Firefox send.
            &default,
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            params(true, true, 15, 15),
        ),
        (
            &free,
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
            params(true, false, 15, 15),
        ),
        (
            &free,
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
            params(false, true, 15, 15),
        ),
        (
            &free,
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10",
            params(false, false, 10, 15),
        ),
        (
            &free,
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
            params(false, false, 15, 15),
        ),
        (
            &free,
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=8",
            params(false, false, 8, 15),
        ),
        (
            &free,
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8",
            params(false, false, 15, 8),
        ),
        (
            &free,
            "permessage-deflate; client_max_window_bits=15",
            "permessage-deflate",
            params(false, false, 15, 15),
        ),
        (
            &tight,
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10",
            params(false, false, 11, 10),
        ),
        (
            &tight,
            "permessage-deflate; client_max_window_bits=9; server_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=11; client_max_window_bits=9",
            params(false, false, 11, 9),
        ),
        (
            &tight,
            "permessage-deflate; client_max_window_bits=12; server_max_window_bits=9",
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
            params(false, false, 9, 10),
        ),
        (
            &free,
            "permessage-deflate; Server_No_Context_Takeover",
            "permessage-deflate; server_no_context_takeover",
            params(true, false, 15, 15),
        ),
        (
            &default,
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=12; \
             client_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=9; client_max_window_bits=12",
            params(true, true, 9, 12),
        ),
    ];
    for (config, given, text, agreed) in table {
        let (found, answer) = answer(config, &parse(given)).unwrap();
        assert_eq!(
            (answer.as_str(), found),
            (text, agreed),
            "{given} to {config:?}"
        );
    }
}

/// Window bits that are no number from 8 to 15.
const BAD_BITS: [&str; 14] = [
    "",
    "0",
    "7",
    "16",
    "08",
    "015",
    "256",
    "+9",
    "-9",
    " 9",
    "9 ",
    "1e1",
    "99999999999999999999",
    "\u{0669}",
];

#[test]
fn malformed_offers_are_declined() {
    let free = config(false, false, 15, 15);
    for text in [
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; CLIENT_max_window_bits",
    ] {
        assert_eq!(answer(&free, &parse(text)), None, "{text}");
    }
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for value in BAD_BITS {
            assert_eq!(
                answer(&free, &[(name, Some(value))]),
                None,
                "{name}={value:?}"
            );
        }
    }
}

#[test]
fn a_server_that_limits_its_clients_declines_those_it_cannot_limit() {
    let tight = config(false, false, 15, 10);
    assert_eq!(answer(&tight, &[]), None);
    assert!(answer(&tight, &[("client_max_window_bits", None)]).is_some());
}

#[test]
fn good_answers_are_taken() {
    let table: [(DeflateConfig, &str, Params); 9] = [
        (
            DeflateConfig::default(),
            "permessage-deflate; server_no_context_takeover",
            // The client keeps to what it offered (RFC 7692 §7.1.1.2).
            params(true, true, 15, 15),
        ),
        (
            config(false, false, 15, 15),
            "permessage-deflate",
            params(false, false, 15, 15),
        ),
        (
            config(false, false, 15, 15),
            "permessage-deflate; client_no_context_takeover",
            params(false, true, 15, 15),
        ),
        (
            // Unasked restrictions of its own are the server's right.
            config(false, false, 15, 15),
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            params(true, false, 9, 15),
        ),
        (
            config(false, false, 12, 15),
            "permessage-deflate; server_max_window_bits=12",
            params(false, false, 12, 15),
        ),
        (
            config(false, false, 12, 15),
            "permessage-deflate; server_max_window_bits=8",
            params(false, false, 8, 15),
        ),
        (
            config(false, false, 15, 15),
            "permessage-deflate; client_max_window_bits=8",
            params(false, false, 15, 8),
        ),
        (
            // To the offer without a value; the client still uses no more than it wanted.
            config(false, false, 15, 10),
            "permessage-deflate; client_max_window_bits=15",
            params(false, false, 15, 10),
        ),
        (
            config(false, false, 15, 10),
            "permessage-deflate",
            params(false, false, 15, 10),
        ),
    ];
    for (config, text, agreed) in table {
        assert_eq!(
            judge(&config, &parse(text)),
            Ok(agreed),
            "{text} to {config:?}"
        );
    }
}

#[test]
fn each_violation_in_an_answer_is_its_own_error() {
    use AnswerError as E;
    const SERVER_BITS: &str = "server_max_window_bits";
    let invalid = |parameter, value: &str| E::InvalidValue {
        parameter,
        value: value.into(),
    };
    let free = config(false, false, 15, 15);
    let default = DeflateConfig::default();
    let tight = config(false, false, 10, 15);
    let table: [(&DeflateConfig, Given<'_>, AnswerError); 12] = [
        (&free, vec![("x", None)], E::UnknownParameter("x".into())),
        (
            &free,
            vec![
                ("server_no_context_takeover", None),
                ("server_no_context_takeover", None),
            ],
            E::DuplicateParameter("server_no_context_takeover"),
        ),
        (
            &free,
            vec![(SERVER_BITS, Some("10")), (SERVER_BITS, Some("10"))],
            E::DuplicateParameter(SERVER_BITS),
        ),
        (
            &free,
            vec![("client_no_context_takeover", Some("yes"))],
            invalid("client_no_context_takeover", "yes"),
        ),
        (
            &free,
            vec![(SERVER_BITS, Some("16"))],
            invalid(SERVER_BITS, "16"),
        ),
        (
            &free,
            vec![("client_max_window_bits", Some("09"))],
            invalid("client_max_window_bits", "09"),
        ),
        (
            &free,
            vec![(SERVER_BITS, None)],
            E::MissingValue(SERVER_BITS),
        ),
        (
            &free,
            vec![("client_max_window_bits", None)],
            E::MissingValue("client_max_window_bits"),
        ),
        (&default, vec![], E::ServerTakeoverKept),
        (
            &default,
            vec![("client_no_context_takeover", None)],
            E::ServerTakeoverKept,
        ),
        (&tight, vec![], E::ServerWindowUnlimited { offered: 10 }),
        (
            &tight,
            vec![(SERVER_BITS, Some("11"))],
            E::ServerWindowTooLarge {
                offered: 10,
                answered: 11,
            },
        ),
    ];
    for (config, given, error) in table {
        assert_eq!(judge(config, &given), Err(error), "{given:?}");
    }
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for value in BAD_BITS {
            let refused = judge(&free, &[(name, Some(value))]);
            assert_eq!(refused, Err(invalid(name, value)));
        }
    }
}

#[test]
fn both_ends_agree_on_the_same_thing_whatever_they_are_set_to() {
    let flags = [false, true];
    let bits = [8, 9, 12, 15];
    let all: Vec<DeflateConfig> = flags
        .into_iter()
        .flat_map(|a| flags.into_iter().map(move |b| (a, b)))
        .flat_map(|(a, b)| bits.into_iter().map(move |c| (a, b, c)))
        .flat_map(|(a, b, c)| bits.into_iter().map(move |d| config(a, b, c, d)))
        .collect();
    for client in &all {
        for server in &all {
            let offers = offer(client);
            let (at_server, text) = offers
                .split(',')
                .find_map(|one| answer(server, &parse(one.trim())))
                .expect("our client's offer can be limited in every way");
            let at_client = judge(client, &parse(&text)).unwrap();
            assert_eq!(
                at_client, at_server,
                "{client:?} and {server:?}: {offers} -> {text}"
            );
            assert_eq!(at_client.encoder(false), at_server.decoder(true));
            assert_eq!(at_client.decoder(false), at_server.encoder(true));
        }
    }
}
