const $ = (id) => document.getElementById(id), field = $("field"), MOVE = 1, CATCH = 2;
const me = { id: crypto.getRandomValues(new Uint16Array(1))[0], x: 400, y: 300, score: 0, seen: Infinity, look: "me" };
const players = new Map([[me.id, me]]);
let socket, round = 0, changed = true;
const place = () => ({ x: 60 + (round * 7919 + 311) % 680, y: 60 + (round * 6151 + 173) % 480 }); // the same for everybody
function connect() { // echo=1: we hear ourselves, too, in the one order that everybody sees
  socket = new WebSocket(`${location.origin.replace("http", "ws")}/c/live:cursors?echo=1&history=1`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { $("say").textContent = "Connected."; };
  socket.onmessage = ({ data }) => { if (data.byteLength === 12) heard(new Uint16Array(data)); };
  socket.onclose = () => { $("say").textContent = "No connection; trying again…"; setTimeout(connect, 1000); };
}
function tell() { // one frame: six numbers of two bytes
  const kind = Math.hypot(me.x - place().x, me.y - place().y) < 40 ? CATCH : MOVE;
  if (changed && socket.readyState === WebSocket.OPEN) socket.send(new Uint16Array([kind, me.id, round, me.x, me.y, me.score]));
  changed = false;
}
function heard([kind, id, its, x, y, score]) {
  const caught = kind === CATCH && its === round; // the first in the channel's order; the next one is late for this round
  if (id !== me.id) players.set(id, { x, y, score, seen: Date.now(), look: "other" });
  if (caught) players.get(id).score++;
  round = caught ? (its + 1) % 65536 : Math.max(round, its); // who came later learns the round from the others
  draw();
}
function circle({ x, y, look }, r) {
  const dot = document.createElementNS(field.namespaceURI, "circle");
  for (const [name, value] of Object.entries({ cx: x, cy: y, r, class: look })) dot.setAttribute(name, value);
  return dot;
}
function draw() {
  for (const [id, { seen }] of players) if (seen < Date.now() - 6000) players.delete(id); // silent, so gone
  const others = [...players.values()].filter((player) => player !== me);
  field.replaceChildren(circle({ ...place(), look: "target" }, 26), ...[...others, me].map((player) => circle(player, 14)));
  $("score").textContent = `You: ${me.score}. Others: ${others.map(({ score }) => score).join(", ") || "nobody yet"}.`;
}
function move(x, y) {
  Object.assign(me, { x: Math.max(0, Math.min(800, x)), y: Math.max(0, Math.min(600, y)) });
  changed = true;
  draw();
}
field.onpointermove = field.onpointerdown = ({ offsetX: x, offsetY: y }) => move(x / field.clientWidth * 800, y / field.clientHeight * 600);
field.onkeydown = (event) => {
  const step = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] }[event.key];
  if (step) event.preventDefault(); else return;
  move(me.x + step[0], me.y + step[1]);
  const x = Math.round(place().x - me.x), y = Math.round(place().y - me.y);
  $("say").textContent = `The ring: ${Math.abs(x)} ${x < 0 ? "left" : "right"}, ${Math.abs(y)} ${y < 0 ? "up" : "down"}.`;
};
setInterval(tell, 50); // at most 20 frames a second
setInterval(() => move(me.x, me.y), 2000); // we are still here
connect();
