//! The real binary, a client that writes its own frames, and servers that misbehave on purpose.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use sha1::{Digest, Sha1};

/// The binary under test.
pub fn tidewire() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidewire"));
    command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    command
}

/// Runs `tidewire` with `args`, `input` on its stdin, to its end.
pub fn run(args: &[&str], input: &[u8]) -> Output {
    let mut child = tidewire()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

/// What a run printed, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for a child at most 20 seconds, so that a hang is a failure with a name.
pub fn wait_for(child: &mut Child) -> Option<i32> {
    for _ in 0..2000 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("the process did not end");
}

/// Sends a signal to one child.
#[cfg(unix)]
pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

/// A running `tidewire echo`, ended with the test.
pub struct Echo {
    pub child: Child,
    pub port: u16,
}

impl Echo {
    pub fn start(args: &[&str]) -> Echo {
        Echo::start_as(&mut tidewire(), args)
    }

    /// The same, of a command that was prepared otherwise.
    pub fn start_as(command: &mut Command, args: &[&str]) -> Echo {
        let mut child = command
            .args(["echo", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line
            .strip_prefix("listening on ws")
            .and_then(|rest| {
                rest.strip_prefix('s')
                    .unwrap_or(rest)
                    .strip_prefix("://127.0.0.1:")
            })
            .and_then(|rest| rest.strip_suffix("/\n"))
            .unwrap_or_else(|| panic!("the first line is {line:?}"));
        Echo {
            port: port.parse().unwrap(),
            child,
        }
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// A WebSocket to `path` with more header lines; gives the answer's head too.
    pub fn websocket(&self, path: &str, headers: &str) -> (TcpStream, String) {
        let mut stream = self.connect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("HSmrc0sMlYUkAGmm5OPpG2HaGWk="), "{head}");
        (stream, head.to_ascii_lowercase())
    }

    /// One plain HTTP request, and the whole answer up to the end of the connection.
    pub fn http(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        text(&answer)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Reads up to the empty line, byte by byte, so that no frame is taken with it.
pub fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    text(&head)
}

/// Writes one frame as a client does, masked with a fixed key.
pub fn send(stream: &mut TcpStream, opcode: u8, payload: &[u8]) {
    let key = [1, 2, 3, 4];
    let mut frame = header(opcode, payload.len(), 0x80);
    frame.extend(key);
    frame.extend(
        payload
            .iter()
            .enumerate()
            .map(|(i, byte)| byte ^ key[i % 4]),
    );
    stream.write_all(&frame).unwrap();
}

/// One frame as a server writes it.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, payload.len(), 0);
    frame.extend(payload);
    frame
}

/// A Close frame's payload.
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

fn header(opcode: u8, len: usize, mask_bit: u8) -> Vec<u8> {
    let mut header = vec![0x80 | opcode];
    match len {
        0..=125 => header.push(mask_bit | len as u8),
        126..=65535 => {
            header.push(mask_bit | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend((len as u64).to_be_bytes());
        }
    }
    header
}

/// Reads one frame: opcode and payload, unmasked.
pub fn receive(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut two = [0; 2];
    stream.read_exact(&mut two).unwrap();
    let mut long = [0; 8];
    let len = match two[1] & 0x7f {
        126 => {
            stream.read_exact(&mut long[6..]).unwrap();
            u64::from_be_bytes(long)
        }
        127 => {
            stream.read_exact(&mut long).unwrap();
            u64::from_be_bytes(long)
        }
        len => u64::from(len),
    };
    let mut key = [0; 4];
    if two[1] & 0x80 != 0 {
        stream.read_exact(&mut key).unwrap();
    }
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload).unwrap();
    payload
        .iter_mut()
        .enumerate()
        .for_each(|(i, byte)| *byte ^= key[i % 4]);
    (two[0] & 0x0f, payload)
}

/// A server of one connection: reads the request, then does what the test says. Its port, and the
/// thread that gives the request back.
pub fn server(
    serve: impl FnOnce(&mut TcpStream, &str) + Send + 'static,
) -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let head = read_head(&mut stream);
        serve(&mut stream, &head);
        head
    });
    (port, thread)
}

/// Answers a request with 101, and with `headers` besides.
pub fn switch(stream: &mut impl Write, request: &str, headers: &str) {
    let key = request
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key")
                .then(|| value.trim())
        })
        .unwrap();
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = base64::engine::general_purpose::STANDARD.encode(digest);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    );
    stream.write_all(answer.as_bytes()).unwrap();
}
