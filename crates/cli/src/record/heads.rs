//! The heads of a handshake as recordings keep them: a list of headers without secrets.

use super::model::Opening;
use super::secrets::{REDACTED, bare, is_secret_header, without_tokens};
use crate::connect::talk::Opened;

/// How a connection to `url` was opened; `secrets`: nothing is left out.
pub(crate) fn opening(url: &str, opened: &Opened, secrets: bool) -> Opening {
    Opening {
        url: if secrets { url.to_owned() } else { bare(url) },
        request: headers(&opened.request, secrets),
        response: headers(&opened.response, secrets),
        subprotocol: opened.subprotocol.clone(),
        compression: opened.compression.clone(),
        took: opened.took,
    }
}

/// The header lines of a head, in order, duplicates and all.
pub(crate) fn headers(head: &[u8], secrets: bool) -> Vec<(String, String)> {
    String::from_utf8_lossy(head)
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| {
            let value = match value.trim() {
                _ if !secrets && is_secret_header(name) => REDACTED.to_owned(),
                url if !secrets && name.eq_ignore_ascii_case("referer") => bare(url),
                list if !secrets && name.eq_ignore_ascii_case("sec-websocket-protocol") => {
                    without_tokens(list)
                }
                value => value.to_owned(),
            };
            (name.to_owned(), value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_out_unless_they_are_asked_for() {
        let opened = Opened {
            request: b"GET / HTTP/1.1\r\nHost: h\r\nAUTHORIZATION: Bearer abc\r\ncookie: a=b\r\nX-A: 1\r\nX-A: 2:3\r\n\r\n"
                .to_vec(),
            response: b"HTTP/1.1 101 ok\r\nSet-Cookie: s=1\r\n\r\n".to_vec(),
            ..Opened::default()
        };
        let text = |secrets| format!("{:?}", opening("ws://me:pw@h/x?a=@b", &opened, secrets));
        let kept = text(false);
        for secret in ["abc", "a=b", "s=1", "pw", "me"] {
            assert!(
                !kept.contains(&format!("{secret}\"")) && !kept.contains("me:pw"),
                "{secret}: {kept}"
            );
        }
        assert!(kept.contains("ws://h/x?a=@b"), "{kept}");
        assert!(kept.contains(r#"("X-A", "1"), ("X-A", "2:3")"#), "{kept}");
        assert!(text(true).contains("Bearer abc") && text(true).contains("ws://me:pw@h/"));
    }

    #[test]
    fn what_is_no_head_gives_what_can_be_read() {
        assert!(headers(b"", false).is_empty());
        assert!(headers(b"\xff\xfe\r\nno colon\r\n\r\n", false).is_empty());
    }
}
