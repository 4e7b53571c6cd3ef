const $ = (id) => document.getElementById(id);
const channel = "prices:ticker", shown = [];
let socket, newest, timer, cents = 10000, came = 0, skipped = 0, dropped = 0;

function connect() {
  socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`); // the native protocol: JSON objects
  socket.onopen = () => send({ op: "subscribe", channel, history: 1 });
  socket.onmessage = ({ data }) => heard(JSON.parse(data));
  socket.onclose = () => { $("state").textContent = "No connection; trying again…"; setTimeout(connect, 1000); };
}
const send = (command) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command)); };

function heard({ op, data, message, skipped: many }) {
  if (op === "live") $("state").textContent = "Live.";
  if (op === "error") $("state").textContent = message;
  if (op === "lag") dropped += many ?? 0; // this tab read too slowly: the hub kept the newest alone
  if (op !== "message" || !Number.isFinite(data?.cents)) return;
  if (newest !== undefined) skipped++; // the one before was never looked at
  newest = data.cents, came++;
}
function look() { // as often as this tab gets to it, not for every message
  if (newest !== undefined) show(newest, newest - (shown.at(-1) ?? newest));
  newest = undefined;
  $("tally").textContent = `${came} came, ${skipped} skipped by this tab, ${dropped} by the hub.`;
  if ($("slow").checked) setTimeout(look, 1000); else requestAnimationFrame(look);
}
function show(price, change) {
  shown.push(cents = price);
  if (shown.length > 60) shown.shift();
  const low = Math.min(...shown), span = Math.max(...shown) - low || 1;
  $("curve").setAttribute("points", shown.map((value, x) => `${x * 5},${76 - 72 * (value - low) / span}`).join(" "));
  $("price").textContent = (price / 100).toFixed(2);
  $("change").textContent = change === 0 ? "unchanged" : (change > 0 ? "▲ +" : "▼ −") + (Math.abs(change) / 100).toFixed(2);
  $("change").className = change > 0 ? "good" : change < 0 ? "bad" : "";
}
$("feed").onclick = () => { // ten prices a second, or none
  timer = timer === undefined ? setInterval(publish, 100) : clearInterval(timer);
  $("feed").setAttribute("aria-pressed", timer !== undefined);
};
const publish = () => send({ op: "publish", channel, data: { cents: cents + Math.round(Math.random() * 200 - 100) } });
$("loop").textContent = `price=10000; while sleep 0.2; do price=$((price + $(od -An -N1 -tu1 /dev/urandom) - 127)); ` +
  `curl "${location.origin}/uplink" -d '{"op":"publish","channel":"${channel}","data":{"cents":'$price'}}'; done`;
connect();
look();
