//! Step origin: may pages of other sites open this WebSocket in a visitor's browser?

use super::Patient;
use super::finding::Finding;
use super::place::Place;
use crate::raw::Ask;
use crate::raw::site::wrongs;

const STEP: &str = "origin";
const FOREIGN: &str = "https://tidewire-doctor.invalid";

/// What was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tried {
    none: bool,
    own: bool,
    foreign: bool,
    null: bool,
    /// The foreign page without what a browser would send along; `None`: nothing of the kind is known.
    stranger: Option<bool>,
    /// The server sets cookies.
    sets_cookies: bool,
}

/// Whether a browser would send this along for any page: cookies, and a password once typed.
fn by_itself(ask: &Ask) -> bool {
    let basic = ask
        .get("Authorization")
        .is_some_and(|value| value.starts_with(b"Basic "));
    ask.get("Cookie").is_some() || basic
}

pub(super) async fn examine(patient: &Patient, place: Option<&Place>) -> Finding {
    let known = by_itself(&patient.site.request());
    let mut details = Vec::new();
    let mut tried = Tried::default();
    let own = place.map_or("http://localhost".to_owned(), Place::origin);
    for (origin, what) in [
        (None, "none"),
        (Some(own.as_str()), ""),
        (Some(FOREIGN), ""),
        (Some("null"), ""),
    ] {
        let (accepted, said, cookies) = try_one(patient, origin, false).await;
        tried.sets_cookies |= cookies;
        let name = origin.unwrap_or(what);
        details.push(format!("Origin {name}: {said}"));
        match origin {
            None => tried.none = accepted,
            Some(FOREIGN) => tried.foreign = accepted,
            Some("null") => tried.null = accepted,
            Some(_) => tried.own = accepted,
        }
    }
    if known && tried.foreign {
        let (accepted, said, _) = try_one(patient, Some(FOREIGN), true).await;
        details.push(format!("Origin {FOREIGN} without your cookies: {said}"));
        tried.stranger = Some(accepted);
    }
    judge(&tried, &own).details(details)
}

/// Whether a WebSocket was opened, the answer, and whether it sets cookies.
async fn try_one(patient: &Patient, origin: Option<&str>, stranger: bool) -> (bool, String, bool) {
    let mut ask = patient.site.request();
    ask.remove("Origin");
    if let Some(origin) = origin {
        ask.set("Origin", origin);
    }
    if stranger {
        ask.remove("Cookie");
        ask.remove("Authorization");
    }
    match patient.site.ask(&ask, patient.time).await {
        Err(gone) => (false, format!("no answer: {gone}"), false),
        Ok(answered) => {
            let accepted = wrongs(&ask, &answered.response).is_empty();
            let status = answered.response.status();
            let said = match accepted {
                true => "accepted".to_owned(),
                false => format!("refused with {status}"),
            };
            (
                accepted,
                said,
                answered.response.headers().contains_key("set-cookie"),
            )
        }
    }
}

fn judge(tried: &Tried, own: &str) -> Finding {
    let list = "let the server compare Origin with a list of its own pages, and refuse the others with 403";
    match tried {
        Tried {
            none: false,
            own: false,
            foreign: false,
            null: false,
            ..
        } => Finding::skipped(STEP, "no Origin opened a WebSocket"),
        Tried {
            foreign: true,
            stranger: Some(false),
            ..
        } => Finding::fail(
            STEP,
            "cross-site hijacking: your cookies open the door, and any site may use them. A page \
             anywhere that a visitor opens can act and read here as that visitor",
            list,
        ),
        Tried {
            foreign: true,
            stranger: Some(true),
            ..
        } => Finding::warn(
            STEP,
            "any site's page may open this WebSocket with a visitor's cookies; strangers get in \
             too, but if the cookies say who somebody is, this is cross-site hijacking",
            list,
        ),
        Tried {
            foreign: true,
            sets_cookies: true,
            ..
        } => Finding::warn(
            STEP,
            "any site's page may open this WebSocket, and the server sets cookies: if they say who \
             somebody is, this is cross-site hijacking",
            format!("{list}; see with -H 'Cookie: …' whether cookies decide"),
        ),
        Tried { foreign: true, .. } => Finding::warn(
            STEP,
            "any site's page may open this WebSocket from a visitor's browser: fine for what is \
             public, cross-site hijacking where cookies or the visitor's network decide",
            format!("{list}; see with -H 'Cookie: …' whether cookies decide"),
        ),
        Tried { null: true, .. } => Finding::warn(
            STEP,
            "foreign sites are refused, but the Origin null is accepted: any site has it in a \
             sandboxed frame",
            "refuse null too",
        ),
        Tried {
            none: false,
            own: true,
            ..
        } => Finding::ok(
            STEP,
            format!("only its own pages may come in; tools need -o {own}"),
        ),
        Tried { own: false, .. } => Finding::ok(
            STEP,
            format!(
                "pages of other sites are refused; those of {own} too, so its pages live elsewhere"
            ),
        ),
        _ => Finding::ok(STEP, "pages of other sites are refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn the_verdict_is_worse_when_cookies_decide() {
        let tried = |foreign, null, stranger| Tried {
            none: true,
            own: true,
            foreign,
            null,
            stranger,
            sets_cookies: false,
        };
        for (tried, verdict, words) in [
            (tried(false, false, None), Verdict::Ok, "refused"),
            (tried(false, true, None), Verdict::Warn, "null"),
            (tried(true, true, None), Verdict::Warn, "any site's page"),
            (
                tried(true, true, Some(true)),
                Verdict::Warn,
                "with a visitor's cookies",
            ),
            (
                tried(true, true, Some(false)),
                Verdict::Fail,
                "cross-site hijacking: your",
            ),
            (Tried::default(), Verdict::Skipped, "no Origin"),
        ] {
            let finding = judge(&tried, "https://a");
            assert_eq!(finding.verdict, verdict, "{tried:?}");
            assert!(finding.said.contains(words), "{finding:?}");
        }
    }
}
