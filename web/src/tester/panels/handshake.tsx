// The opening handshake: what was asked, what was answered, and how the answer's Accept follows from the key.
import { useEffect, useState } from "preact/hooks";
import type { Certificate, Handshake } from "../model.ts";
import { useStore } from "../store.ts";
import type { Tester } from "../tester.ts";
import { originOf } from "../connection/explain.ts";
import { EXAMPLE_KEY, GUID, type Steps, randomKey, stepsOf } from "../wire/accept.ts";
import { standardHandshake } from "../wire/standard.ts";

function Section({ of, children }: { of: string; children: string }) {
  return <a href={`https://www.rfc-editor.org/rfc/rfc6455#section-${of}`} target="_blank" rel="noopener noreferrer">{children}</a>;
}

export function HandshakePanel({ tester }: { tester: Tester }) {
  const { handshake, ended } = useStore(tester.session.view);
  useStore(tester.settings);
  const target = tester.target();
  const seen: Handshake | undefined = handshake ?? (target === undefined ? undefined : standardHandshake(target, originOf(tester.page)));
  const wire = seen?.source === "wire";
  return (
    <div class="stack roomy">
      <p class={wire ? "good" : "faint"}>{wire
        ? "As it went over the wire, seen by the local agent."
        : "A page cannot see its handshake. This is its form by the standard: the key is an example, and browsers add headers of their own, such as cookies and User-Agent."}</p>
      <div class="beside">
        {seen !== undefined && (
          <div class="stack">
            <h3>Request <span class="faint">· <Section of="4.1">RFC 6455, 4.1</Section></span></h3>
            <Head text={seen.request} />
            <h3>Response <span class="faint">· <Section of="4.2.2">RFC 6455, 4.2.2</Section></span></h3>
            {seen.response !== undefined ? <Head text={seen.response} />
              : <p class="faint">{ended !== undefined && !ended.opened ? "None that this page could see." : "None yet."}</p>}
            {seen.body !== undefined && seen.body !== "" && <><h3>Body of the answer</h3><pre class="head">{seen.body}</pre></>}
            {seen.tls !== undefined && <Tls tls={seen.tls} />}
          </div>
        )}
        <div class="stack"><Accept handshake={wire ? seen : undefined} /></div>
      </div>
    </div>
  );
}

/** A head of HTTP, the headers of the handshake itself marked. */
function Head({ text }: { text: string }) {
  const lines = text.split(/\r\n|\n/);
  return (
    <pre class="head">{lines.map((line, at) => {
      const colon = line.indexOf(":");
      const last = at === lines.length - 1 ? "" : "\n";
      return at === 0 || colon < 0 ? <span key={at}>{line}{last}</span>
        : <span key={at}><span class={/^sec-websocket-(key|accept)$/i.test(line.slice(0, colon)) ? "name key" : "name"}>{line.slice(0, colon)}</span>{line.slice(colon)}{last}</span>;
    })}</pre>
  );
}

function Accept({ handshake }: { handshake: Handshake | undefined }) {
  const [typed, setTyped] = useState<string>();
  const key = typed ?? handshake?.key ?? EXAMPLE_KEY;
  const [steps, setSteps] = useState<Steps>();
  useEffect(() => {
    let mine = true;
    void stepsOf(key).then((found) => mine && setSteps(found));
    return () => {
      mine = false;
    };
  }, [key]);
  const compare = handshake?.accept !== undefined && handshake.key === key;
  return (
    <>
      <h3>From the key to the accept <span class="faint">· <Section of="1.3">RFC 6455, 1.3</Section></span></h3>
      <p class="faint">The server proves that it has read this request as a WebSocket handshake. It is no secret, and no password.</p>
      <div class="line tight bottom">
        <label class="column grow">Sec-WebSocket-Key
          <input class="mono" type="text" value={key} spellcheck={false} autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value.trim())} /></label>
        <button type="button" class="small" onClick={() => setTyped(randomKey())}>Random</button>
        {typed !== undefined && <button type="button" class="small" onClick={() => setTyped(undefined)}>Reset</button>}
      </div>
      {steps?.fault !== undefined && <p class="bad" role="status">{steps.fault}</p>}
      {steps !== undefined && (
        <ol class="steps">
          <li>Add the GUID of the standard: <pre>{key}<span class="name">{GUID}</span></pre></li>
          <li>SHA-1 of these bytes, as hex: <pre>{steps.sum}</pre></li>
          <li>In base64, this is <code>Sec-WebSocket-Accept</code>: <pre><strong id="accept">{steps.accept}</strong></pre></li>
        </ol>
      )}
      {compare && steps !== undefined && (steps.accept === handshake.accept
        ? <p class="good">The server's answer has the same value.</p>
        : <p class="bad">The server's answer has another value: {handshake.accept}</p>)}
    </>
  );
}

function Tls({ tls }: { tls: NonNullable<Handshake["tls"]> }) {
  return (
    <>
      <h3>TLS</h3>
      <p>{[tls.version, tls.cipher, ...(tls.alpn === undefined ? [] : [`ALPN ${tls.alpn}`])].join(" · ")}</p>
      {!tls.verified && <p class="bad">The certificate was not judged: you asked to skip the check.</p>}
      {tls.chain.map((certificate, at) => <OneCertificate key={at} at={at} of={certificate} />)}
    </>
  );
}

function OneCertificate({ of, at }: { of: Certificate; at: number }) {
  return (
    <table class="certificate">
      <caption>{at === 0 ? "The server's certificate" : `Signed by (${at})`}</caption>
      <tbody>
        <tr><th scope="row">Subject</th><td>{of.subject}</td></tr>
        <tr><th scope="row">Issuer</th><td>{of.issuer}</td></tr>
        {of.names.length > 0 && <tr><th scope="row">Names</th><td>{of.names.join(", ")}</td></tr>}
        <tr><th scope="row">Valid</th><td>{of.from} to {of.until}</td></tr>
        <tr><th scope="row">SHA-256</th><td class="mono">{of.sha256}</td></tr>
      </tbody>
    </table>
  );
}
