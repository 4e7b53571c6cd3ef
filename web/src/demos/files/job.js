const $ = (id) => document.getElementById(id);

// The address names the job, so that it is the same one after a reload, and for whom the link is sent to.
const job = location.hash.slice(1).replace(/[^a-z0-9]/g, "") || Math.random().toString(36).slice(2, 8);
history.replaceState(null, "", `#${job}`);
const channel = `live:job-${job}`;

function connect() {
  const events = new EventSource(`/sse?channel=${channel}&history=100`);
  events.onmessage = ({ data }) => heard(JSON.parse(data));
  events.onerror = () => { // it comes back by itself, and says which event it had last; but not after an answer like 502
    $("state").textContent = "No connection; trying again…";
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  };
}

function heard({ op, recovered, message, data, text, at }) {
  if (op === "ok" && !recovered) $("log").replaceChildren(); // what comes now is everything, not what was missed
  if (op === "live") $("state").textContent = "Listening.";
  if (op === "error") $("state").textContent = message;
  if (op === "message") show(data ?? { line: text }, new Date(at));
}

function show(news, at) {
  if (Number.isFinite(news?.percent)) {
    $("bar").value = news.percent;
    $("percent").textContent = news.percent >= 100 ? "Done" : `${news.percent} %`;
  }
  const line = document.createElement("div"); // as text: whatever is in it, it is no markup
  line.textContent = `${at.toLocaleTimeString()}  ${news?.line ?? JSON.stringify(news)}`;
  $("log").append(line);
  $("log").scrollTop = $("log").scrollHeight;
}

const publish = (data) => `curl -s "${location.origin}/uplink" -d '{"op":"publish","channel":"${channel}","data":${data}}'`;
$("name").textContent = job;
$("loop").textContent = `for i in $(seq 0 5 100); do ${publish(`{"percent":'$i',"line":"step '$i' of 100"}`)} >/dev/null; sleep 0.5; done`;
$("one").textContent = publish(`{"line":"hello from curl"}`);
connect();
