//! How do I speak TLS on both sides? The server shows a certificate, and the client trusts it.
//!
//! `cargo run -p tidewire-examples --example tls`

use tidewire::tls::{ClientTls, ServerTls};
use tidewire::{Client, Listener};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A certificate that lives as long as this process. One that was issued to you is in two files:
    //     let tls = ServerTls::from_files("chain.pem", "key.pem")?;
    // and when it is renewed, `tls.reload_pem(…)` replaces it for all clones while they serve.
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.pem();
    let tls = ServerTls::from_pem(&certificate, made.signing_key.serialize_pem())?;

    let listener = Listener::bind("127.0.0.1:0").await?.tls(tls);
    // The name in the URL must be one of those in the certificate.
    let url = format!("wss://localhost:{}", listener.local_addr()?.port());
    tokio::spawn(async move {
        listener
            .serve(|mut ws| async move {
                while let Ok(Some(message)) = ws.recv().await {
                    if ws.send(message).await.is_err() {
                        break;
                    }
                }
            })
            .await
    });

    // The system's roots are trusted by default, and need no `tls` at all. Ours are all that this
    // client trusts: whoever else has a certificate for the name is refused.
    let ours = ClientTls::new().root_pem(&certificate).only_added_roots();
    let mut ws = Client::new(&url).tls(ours).connect().await?;
    ws.send("hello").await?;
    println!("over TLS: {:?}", ws.recv().await?);
    ws.close(1000, "done").await?;

    // A client that does not know the certificate says so, and sends nothing.
    let unrelated = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let others = ClientTls::new()
        .root_pem(unrelated.cert.pem())
        .only_added_roots();
    match Client::new(&url).tls(others).connect().await {
        Err(error) => println!("refused: {error}"),
        Ok(_) => return Err("a server that nobody vouches for was trusted".into()),
    }
    Ok(())
}
