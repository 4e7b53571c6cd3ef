//! A peer that reads slowly gets everything before the end, over TLS as over a bare socket: what TLS
//! holds back is progress that the deadlines see.

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used)]

mod common;
mod tls_common;
use common::*;
use tidewire::test_util::Network;

const LEN: usize = 60_000;

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_all_before_the_close_it_takes_longer_than_the_close_timeout() {
    for tls in [false, true] {
        // 15 s for the message; the close timeout is 5 s.
        let (a, b, _control) = Network::new().buffer(1024).bandwidth(4096).io();
        let (mut client, mut server) = if tls {
            let (client_tls, server_tls) = tls_common::both();
            let (a, b) = tls_common::meet(&client_tls, &server_tls, a, b).await;
            open(client(), server(), a.unwrap(), b.unwrap()).await
        } else {
            open(client(), server(), a, b).await
        };
        let serving = tokio::spawn(async move {
            server.send(vec![7; LEN]).await.unwrap();
            server.close(1000, "").await
        });
        let message = client.recv().await.unwrap().unwrap();
        assert_eq!(message.len(), LEN, "tls: {tls}");
        assert_eq!(client.recv().await.unwrap(), None, "tls: {tls}");
        assert!(serving.await.unwrap().unwrap().is_clean(), "tls: {tls}");
    }
}
