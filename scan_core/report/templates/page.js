"use strict";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const given = [...data.given];  // the name that a person has given each cluster: names.js
const lead = data.names.map((_, cluster) => cluster);  // the first cluster of the same name; -1 is set aside
const title = (cluster) => {
  const own = `cluster ${cluster}`, name = given[cluster] || data.names[cluster];
  return name === own ? own : `${own} (${name})`;
};
const distinct = "#1f77b4 #ff7f0e #2ca02c #d62728 #9467bd #8c564b #e377c2 #bcbd22 #17becf #00755e".split(" ");
const color = (cluster) => {
  const first = lead[cluster];
  return first < 0 ? "hsl(0 0% 60%)" : distinct[first] ?? `hsl(${(first * 137.508) % 360} 65% ${[48, 62, 42][first % 3]}%)`;
};

// Cards: sort and filter.
const cards = [...byId("cards").children];
function arrange() {
  const key = byId("sort").value, wanted = byId("filter").value.trim().toLowerCase();
  const empty = (card) => card.classList.contains("empty");  // these come last
  cards.sort((a, b) => empty(a) - empty(b) || a.dataset[key] - b.dataset[key] || a.dataset.number - b.dataset.number);
  byId("cards").append(...cards);
  for (const card of cards)
    card.hidden = wanted !== "" && card.dataset.number !== wanted && !card.dataset.name.toLowerCase().includes(wanted);
  byId("count").textContent = wanted === "" ? "" : `${cards.filter((card) => !card.hidden).length} of ${cards.length}`;
}
byId("sort").addEventListener("change", arrange);
byId("filter").addEventListener("input", arrange);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
function openCard(cluster) {
  byId("filter").value = "";
  arrange();
  location.hash = "";
  location.hash = `cluster-${cluster}`;
  byId(`cluster-${cluster}`).focus({ preventScroll: true });
}
addEventListener("click", (event) => {  // a link to a card that is filtered away
  const link = event.target.closest && event.target.closest('a[href^="#cluster-"]');
  if (link) { event.preventDefault(); openCard(link.hash.slice(9)); }
});

// Map: numbers are little-endian uint16 in base64, from 0 to 65535.
const numbers = (text) => new Uint16Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const x = numbers(data.x), y = numbers(data.y), cluster = numbers(data.cluster), confidence = numbers(data.confidence);
const pictured = data.pictured;  // points whose thumbnails are in the page; those of further ones lie beside it
let reach = pictured + data.beside;
const furthest = [x, y].map((values) => values.reduce((a, b) => Math.max(a, b), 1));
const canvas = byId("canvas"), pen = canvas.getContext("2d"), tip = byId("tip");
let palette;
function mix() {  // the color of each cluster as four bytes
  const strip = document.createElement("canvas"), brush = strip.getContext("2d");
  strip.width = data.names.length;
  for (const i of data.names.keys()) {
    brush.fillStyle = color(i);
    brush.fillRect(i, 0, 1, 1);
  }
  palette = new Uint32Array(brush.getImageData(0, 0, strip.width, 1).data.buffer);
}
let scale = 1, left = 0, top_ = 0, fitted = true, drag = null, waiting = false;
function whole() {
  fitted = true;
  const { clientWidth: width, clientHeight: height } = canvas;
  scale = Math.min((width - 24) / furthest[0], (height - 24) / furthest[1]);
  left = (width - scale * furthest[0]) / 2;
  top_ = (height - scale * furthest[1]) / 2;
  draw();
}
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; paint(); });
}
function paint() {  // pixel by pixel: several times as fast as a rectangle for each point
  const ratio = devicePixelRatio || 1;
  const width = canvas.width = Math.round(canvas.clientWidth * ratio);
  const height = canvas.height = Math.round(canvas.clientHeight * ratio);
  const frame = pen.createImageData(width, height), ink = new Uint32Array(frame.data.buffer);
  for (let i = x.length - 1; i >= 0; i--) {  // the points with thumbnails come last, and so on top
    const side = Math.round((i < pictured ? 5 : 3) * ratio);
    const across = Math.round((left + scale * x[i]) * ratio - side / 2);
    const down = Math.round((top_ + scale * y[i]) * ratio - side / 2);
    if (across < 0 || down < 0 || across + side > width || down + side > height) continue;
    for (let row = down; row < down + side; row++)
      for (let at = row * width + across, end = at + side; at < end; at++) ink[at] = palette[cluster[i]];
  }
  pen.putImageData(frame, 0, 0);
}
function zoom(factor, across = canvas.clientWidth / 2, down = canvas.clientHeight / 2) {
  left = across - (across - left) * factor;
  top_ = down - (down - top_) * factor;
  scale *= factor;
  fitted = false;
  tip.hidden = true;
  draw();
}
function nearest(event) {  // the nearest picture that has a thumbnail, within 16 pixels
  let best = -1, least = 256;
  for (let i = 0; i < reach; i++) {
    const distance = (left + scale * x[i] - event.offsetX) ** 2 + (top_ + scale * y[i] - event.offsetY) ** 2;
    if (distance < least) { least = distance; best = i; }
  }
  return best;
}
const files = new Map();
function file(sheet) {  // loaded when it is first pointed at; without the folder, the page's own thumbnails remain
  if (!files.has(sheet)) {
    const picture = new Image();
    files.set(sheet, picture);
    picture.onload = () => { if (shown >= 0) thumbnail(shown); };
    picture.onerror = () => { reach = pictured; tip.hidden = true; };
    picture.src = encodeURI(data.sheets[sheet]);
  }
  return files.get(sheet);
}
function thumbnail(i) {
  const own = i < pictured, sheet = Math.floor((i - pictured) / data.each);
  const at = own ? i : (i - pictured) % data.each, columns = own ? data.columns : data.across;
  const rows = own ? data.rows : Math.ceil(Math.min(data.each, data.beside - sheet * data.each) / columns);
  const uri = own ? data.uri : file(sheet).complete ? file(sheet).src : "";
  tip.firstChild.style.background = uri && `url("${uri}") ${-72 * (at % columns)}px ${-72 * Math.floor(at / columns)}px` +
    ` / ${columns * 72}px ${rows * 72}px`;
}
let shown = -1;
function show(event) {
  const i = shown = nearest(event);
  tip.hidden = i < 0;
  if (i < 0) return;
  thumbnail(i);
  const path = i < data.paths.length ? `\n${data.paths[i]}` : "";
  tip.lastChild.textContent = `${title(cluster[i])}, confidence ${(confidence[i] / 1000).toFixed(2)}${path}`;
  tip.style.left = `${Math.max(0, Math.min(event.offsetX + 14, canvas.clientWidth - 264))}px`;
  tip.style.top = `${Math.min(event.offsetY + 14, canvas.clientHeight - 90)}px`;
}
canvas.addEventListener("pointerdown", (event) => {
  drag = { x: event.offsetX, y: event.offsetY, moved: false };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (!drag) return show(event);
  if (Math.hypot(event.offsetX - drag.x, event.offsetY - drag.y) < 4 && !drag.moved) return;
  left += event.offsetX - drag.x;
  top_ += event.offsetY - drag.y;
  drag = { x: event.offsetX, y: event.offsetY, moved: true };
  fitted = false;
  tip.hidden = true;
  draw();
});
canvas.addEventListener("pointerup", (event) => {
  const i = drag && !drag.moved ? nearest(event) : -1;
  drag = null;
  if (i >= 0) openCard(cluster[i]);
});
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
canvas.addEventListener("wheel", (event) => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
}, { passive: false });
canvas.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
  if (step) { left += step[0]; top_ += step[1]; fitted = false; draw(); }
  else if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 1.25 : 0.8);
  else if (event.key === "0") whole();
  else return;
  event.preventDefault();
});
byId("in").addEventListener("click", () => zoom(1.5));
byId("out").addEventListener("click", () => zoom(1 / 1.5));
byId("whole").addEventListener("click", whole);
addEventListener("resize", () => fitted ? whole() : draw());
whole();
