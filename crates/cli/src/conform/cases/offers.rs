//! Section deflate: what is offered, and what may be agreed to (RFC 7692 §7.1).

use http::Response;

use super::super::case::{Act, Answer, Case, Handshake, Outcome, Verdict};
use crate::raw::site::agreed;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        offer(
            "offer-plain",
            "an offer without parameters is agreed to",
            "permessage-deflate",
            untold,
            Verdict::Fail,
        ),
        offer(
            "offer-spaces",
            "an offer with spaces, tabs and quotes is understood",
            "permessage-deflate ;\tserver_max_window_bits=\"10\" , permessage-deflate",
            accepted,
            Verdict::Fail,
        ),
        offer(
            "offer-unknown-parameter",
            "an offer with an unknown parameter is declined",
            "permessage-deflate; level=9",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-window-16",
            "an offer of a window of 16 bits is declined",
            "permessage-deflate; server_max_window_bits=16",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-window-7",
            "an offer of a window of 7 bits is declined",
            "permessage-deflate; client_max_window_bits=7",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-window-leading-zero",
            "an offer of a window of 010 bits is declined",
            "permessage-deflate; server_max_window_bits=010",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-window-without-value",
            "server_max_window_bits without a value is declined",
            "permessage-deflate; server_max_window_bits",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-value-too-many",
            "server_no_context_takeover with a value is declined",
            "permessage-deflate; server_no_context_takeover=1",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-twice",
            "an offer with a parameter twice is declined",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            declined,
            Verdict::NonStrict,
        ),
        offer(
            "offer-second",
            "behind an offer that is declined the next one is agreed to",
            "permessage-deflate; x=y, permessage-deflate",
            second,
            Verdict::NonStrict,
        ),
    ];
    for (name, asked) in [
        (
            "window-server-8",
            "permessage-deflate; server_max_window_bits=8",
        ),
        (
            "window-server-10",
            "permessage-deflate; server_max_window_bits=10",
        ),
    ] {
        let judge: fn(&Response<()>) -> Outcome = match name {
            "window-server-8" => |response| limited(response, 8),
            _ => |response| limited(response, 10),
        };
        let expected =
            "server_max_window_bits is agreed to with no more than was asked, or declined";
        cases.push(offer(name, expected, asked, judge, Verdict::Fail));
    }
    cases
}

/// An offer; `refusal` is what a refusal of the whole handshake is: a bad offer may be taken for a bad
/// request, a good one may not.
fn offer(
    name: &str,
    expected: &str,
    offer: &'static str,
    judge: fn(&Response<()>) -> Outcome,
    refusal: Verdict,
) -> Case {
    Case {
        name: format!("deflate/{name}"),
        rfc: "7692 §7.1",
        expected: expected.to_owned(),
        act: Act::Handshake(Handshake {
            change: Box::new(move |ask| ask.set("Sec-WebSocket-Extensions", offer)),
            part: usize::MAX,
            want: Answer::Opened(judge, refusal),
        }),
    }
}

fn declined(response: &Response<()>) -> Outcome {
    match agreed(response) {
        Ok(None) => Outcome::pass("declined"),
        Ok(Some(_)) => Outcome::fail("agreed to it"),
        Err(why) => Outcome::fail(why),
    }
}

fn accepted(response: &Response<()>) -> Outcome {
    match agreed(response) {
        Ok(Some(params)) if params.server_max_window_bits == 15 => Outcome::pass("agreed"),
        Ok(Some(_)) => Outcome::pass("agreed, with a smaller window"),
        Ok(None) => Outcome::of(Verdict::Skipped, "the server agrees to no compression"),
        Err(why) => Outcome::fail(why),
    }
}

/// A client that did not say that it can be told its window is not told it (§7.1.2.2).
fn untold(response: &Response<()>) -> Outcome {
    match agreed(response) {
        Ok(Some(params)) if params.client_max_window_bits != 15 => {
            Outcome::fail("the answer limits the client's window, which was not offered")
        }
        _ => accepted(response),
    }
}

fn second(response: &Response<()>) -> Outcome {
    match agreed(response) {
        Ok(None) => Outcome::lax("neither was agreed to"),
        _ => accepted(response),
    }
}

fn limited(response: &Response<()>, bits: u8) -> Outcome {
    match agreed(response) {
        Ok(None) => Outcome::pass("declined"),
        Ok(Some(params)) if params.server_max_window_bits <= bits => {
            Outcome::pass(format!("agreed to {} bits", params.server_max_window_bits))
        }
        Ok(Some(_)) => Outcome::fail("agreed, without keeping the limit"),
        Err(why) => Outcome::fail(why),
    }
}
