//! Writes HTTP/1.1 heads.

use http::{HeaderMap, HeaderName, Request, Response};

/// Appends a request head and its body. The target is the URI's path and query (`/` if it has
/// none); Host and lengths are whatever `request` holds. Line breaks cannot be smuggled in: none of
/// the types in `request` can hold them.
pub fn write_request(request: &Request<()>, body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    write_headers(request.headers(), out);
    out.extend_from_slice(body);
}

/// Appends a response head and its body, with the standard reason phrase. Lengths are whatever
/// `response` holds. Line breaks cannot be smuggled in: none of the types in `response` can hold
/// them.
pub fn write_response(response: &Response<()>, body: &[u8], out: &mut Vec<u8>) {
    let status = response.status();
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    write_headers(response.headers(), out);
    out.extend_from_slice(body);
}

fn write_headers(headers: &HeaderMap, out: &mut Vec<u8>) {
    for (name, value) in headers {
        write_name(name, out);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Names are case-insensitive, but peers that search for them as the RFCs print them exist:
/// `Sec-WebSocket-Key`, `Host`.
fn write_name(name: &HeaderName, out: &mut Vec<u8>) {
    for (index, part) in name.as_str().split('-').enumerate() {
        if index > 0 {
            out.push(b'-');
        }
        if part == "websocket" {
            out.extend_from_slice(b"WebSocket");
        } else {
            let start = out.len();
            out.extend_from_slice(part.as_bytes());
            if let Some(first) = out.get_mut(start) {
                first.make_ascii_uppercase();
            }
        }
    }
}
