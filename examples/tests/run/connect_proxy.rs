//! A proxy that takes every CONNECT with the right login to one server, whatever name is asked for.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// `me:s3cr3t`, as the header of Basic authentication has it.
const LOGIN: &str = "proxy-authorization: basic bwu6cznjcjn0";

/// Its address, and the first lines of the requests that come.
pub(crate) async fn start(server: SocketAddr) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(tunnel(client, server, asked.clone()));
        }
    });
    (address, requests)
}

async fn tunnel(mut client: TcpStream, server: SocketAddr, asked: mpsc::UnboundedSender<String>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    asked.send(head.lines().next().unwrap().to_owned()).unwrap();
    let answer = if head.to_ascii_lowercase().contains(LOGIN) {
        "HTTP/1.1 200 Connection established\r\n\r\n"
    } else {
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\nnot for guests"
    };
    client.write_all(answer.as_bytes()).await.unwrap();
    if answer.contains(" 200 ") {
        let mut onward = TcpStream::connect(server).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut onward).await;
    }
}
