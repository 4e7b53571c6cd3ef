//! A server that echoes, and breaks one rule on purpose.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use super::common::{close, frame, read_head, switch};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// None of those that the tests know of.
    Nothing,
    TakesUnmasked,
    NoUtf8Check,
    NoReservedBitsCheck,
    NoOpcodeCheck,
    NoFragmentCheck,
    TakesAnyCloseCode,
    TakesAnyVersion,
    ForgesAccept,
    IgnoresClose,
    LeavesTcpOpen,
    /// Answers a Close, and talks on.
    NeverStops,
    EndsWithoutClose,
    NoPong,
    LosesKind,
    MasksItsFrames,
    NeverEchoes,
    /// Sends a message to who comes.
    Greets,
    WebPage,
    NoUpgradeArrived,
    PicksSubprotocol,
    PicksExtension,
    /// Opens to foreign pages, if they bring a cookie.
    CookieDecides,
    /// Refuses foreign pages.
    KnowsItsPages,
    EndsSilence,
    /// Sends noise once the WebSocket is open.
    Noise,
    /// Claims a frame of 8 EiB.
    Claims,
    /// Is no web server.
    NotHttp,
}

/// Starts it; it ends with the test.
pub fn start(wrong: Wrong) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
            std::thread::spawn(move || serve(&mut stream, wrong));
        }
    });
    port
}

fn serve(stream: &mut TcpStream, wrong: Wrong) -> io::Result<()> {
    // A connection on which nothing is asked is no mistake.
    if stream.peek(&mut [0])? == 0 {
        return Ok(());
    }
    if wrong == Wrong::NotHttp {
        return stream.write_all(b"220 mail.example ESMTP\r\n");
    }
    let head = read_head(stream);
    let lower = head.to_ascii_lowercase();
    let value = |name: &str| {
        let line = lower
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    };
    let origin = value("origin");
    let foreign = !origin.is_empty() && !origin.starts_with("http://127.0.0.1");
    let refuse = |stream: &mut TcpStream, status: &str, rest: &str| {
        stream.write_all(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{rest}").as_bytes())
    };
    match wrong {
        Wrong::WebPage => {
            let page = "Content-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>";
            return refuse(stream, "200 OK", page);
        }
        Wrong::NoUpgradeArrived => {
            let body = "X-Cache: miss\r\nContent-Length: 24\r\n\r\nmissing header: upgrade\x1b";
            return refuse(stream, "400 Bad Request", body);
        }
        Wrong::CookieDecides if value("cookie").is_empty() => {
            return refuse(stream, "401 Unauthorized", "Content-Length: 0\r\n\r\n");
        }
        Wrong::KnowsItsPages if foreign => {
            return refuse(stream, "403 Forbidden", "Content-Length: 0\r\n\r\n");
        }
        _ if value("sec-websocket-key").is_empty() => {
            return refuse(stream, "426 Upgrade Required", "Content-Length: 0\r\n\r\n");
        }
        _ if wrong != Wrong::TakesAnyVersion && value("sec-websocket-version") != "13" => {
            let rest = "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n";
            return refuse(stream, "426 Upgrade Required", rest);
        }
        Wrong::ForgesAccept => {
            let wrong = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
            stream.write_all(wrong.as_bytes())?;
        }
        Wrong::PicksSubprotocol => switch(stream, &head, "Sec-WebSocket-Protocol: mine\r\n"),
        Wrong::PicksExtension => switch(stream, &head, "Sec-WebSocket-Extensions: x-mine\r\n"),
        _ => switch(stream, &head, ""),
    }
    match wrong {
        Wrong::Greets => stream.write_all(&frame(1, b"Welcome!"))?,
        Wrong::Noise => {
            let noise: Vec<u8> = (0..100_000u32)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect();
            stream.write_all(&noise)?;
        }
        Wrong::Claims => stream.write_all(b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff")?,
        Wrong::EndsSilence => stream.set_read_timeout(Some(Duration::from_millis(300)))?,
        _ => {}
    }
    echo(stream, wrong)
}

/// First byte, whether it was masked, and the payload.
fn read(stream: &mut TcpStream) -> io::Result<(u8, bool, Vec<u8>)> {
    let mut two = [0; 2];
    stream.read_exact(&mut two)?;
    let mut long = [0; 8];
    let len = match two[1] & 0x7f {
        126 => {
            stream.read_exact(&mut long[6..])?;
            u64::from_be_bytes(long)
        }
        127 => {
            stream.read_exact(&mut long)?;
            u64::from_be_bytes(long)
        }
        len => u64::from(len),
    };
    let mut key = [0; 4];
    if two[1] & 0x80 != 0 {
        stream.read_exact(&mut key)?;
    }
    let mut payload = vec![0; len.min(64 << 20) as usize];
    stream.read_exact(&mut payload)?;
    let pairs = payload.iter_mut().zip(key.iter().cycle());
    pairs.for_each(|(byte, key)| *byte ^= key);
    Ok((two[0], two[1] & 0x80 != 0, payload))
}

fn echo(stream: &mut TcpStream, wrong: Wrong) -> io::Result<()> {
    let mut message: Option<(u8, Vec<u8>)> = None;
    loop {
        let (first, masked, payload) = read(stream)?;
        let (fin, opcode) = (first & 0x80 != 0, first & 15);
        let bad = !masked && wrong != Wrong::TakesUnmasked
            || first & 0x70 != 0 && wrong != Wrong::NoReservedBitsCheck
            || matches!(opcode, 3..=7 | 11..) && wrong != Wrong::NoOpcodeCheck
            || opcode > 7 && (!fin || payload.len() > 125)
            || (opcode == 0) != message.is_some() && opcode < 3 && wrong != Wrong::NoFragmentCheck;
        if bad {
            return fail(stream, 1002, wrong);
        }
        match opcode {
            0..=2 => {
                let (kind, data) = message.get_or_insert((opcode.max(1), Vec::new()));
                data.extend(payload);
                if !fin {
                    continue;
                }
                if *kind == 1 && std::str::from_utf8(data).is_err() && wrong != Wrong::NoUtf8Check {
                    return fail(stream, 1007, wrong);
                }
                let kind = if wrong == Wrong::LosesKind { 1 } else { *kind };
                let mut back = frame(kind, data);
                if wrong == Wrong::MasksItsFrames {
                    back[1] |= 0x80;
                    back.splice(2..2, [0; 4]);
                }
                message = None;
                if wrong != Wrong::NeverEchoes {
                    stream.write_all(&back)?;
                }
            }
            8 => return closed(stream, &payload, wrong),
            9 if wrong != Wrong::NoPong => stream.write_all(&frame(10, &payload))?,
            _ => {}
        }
    }
}

fn fail(stream: &mut TcpStream, code: u16, wrong: Wrong) -> io::Result<()> {
    if wrong != Wrong::EndsWithoutClose {
        stream.write_all(&frame(8, &close(code, "")))?;
    }
    Ok(())
}

fn closed(stream: &mut TcpStream, payload: &[u8], wrong: Wrong) -> io::Result<()> {
    if wrong == Wrong::IgnoresClose {
        while stream.read(&mut [0; 1024])? > 0 {}
        return Ok(());
    }
    let code = payload
        .get(..2)
        .map(|code| u16::from_be_bytes([code[0], code[1]]));
    let good = code.is_none_or(|code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999));
    if (!good || payload.len() == 1) && wrong != Wrong::TakesAnyCloseCode {
        return fail(stream, 1002, wrong);
    }
    stream.write_all(&frame(8, payload))?;
    if wrong == Wrong::NeverStops {
        loop {
            stream.write_all(&frame(1, b"and another thing"))?;
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    if wrong == Wrong::LeavesTcpOpen {
        while stream.read(&mut [0; 1024])? > 0 {}
    }
    Ok(())
}
