// Photos and videos to cut people out of. A thing is {file, film, before, after, name, note, error, part,
// leave, row}: part of it is done (0 to 1; null: not going on), leave stops it. Photos are sent one after
// the other, and again when the settings change; videos by themselves, and again when that is asked for.
import { $, ask, headers, said, wait } from "/ask.js";

const things = [];
let shown = null;
let round = 0; // settings that have changed make older answers stale
let queue = Promise.resolve();
const SUFFIXES = { "image/jpeg": ".jpg", "video/x-matroska": ".mkv", "video/quicktime": ".mov" };

function chosen() {
  return document.querySelector("input[name=background]:checked").value;
}

function form(thing) {
  const data = new FormData();
  data.append("file", thing.file);
  const kind = chosen();
  if (kind === "picture") data.append("background", $("picture").files[0]);
  else data.append("background", kind === "colour" ? $("colour").value : kind);
  data.append("edges", $("edges").value);
  if (thing.film) {
    data.append("format", kind === "transparent" ? "webm" : "mp4");
  } else {
    data.append("keep", $("keep").value);
    data.append("format", $("format").value);
  }
  if ($("model").value) data.append("model", $("model").value);
  return data;
}

function pictureMissing() {
  const missing = chosen() === "picture" && !$("picture").files.length;
  if (missing) $("status").textContent = "Choose the picture for the background.";
  return missing;
}

async function photo(thing) {
  const got = await ask("/v1/cutout", { method: "POST", body: form(thing), signal: thing.leave.signal });
  const people = Number(got.headers.get("X-People"));
  return [await got.blob(), people < 0.002 ? "nobody was found in it" : "done"];
}

async function film(thing) {
  const signal = thing.leave.signal;
  const address = (await ask("/v1/video", { method: "POST", body: form(thing), signal })).headers.get("Location");
  const drop = () => fetch(address, { method: "DELETE", headers: headers(), keepalive: true });
  signal.addEventListener("abort", drop);
  for (;;) {
    const job = await (await ask(address, { signal })).json();
    if (job.status === "failed") throw new Error(job.error);
    thing.part = job.of ? job.frames / job.of : 0;
    thing.note = job.status === "waiting" ? "others are before it" : `${job.frames} of ${job.of || "?"} frames`;
    draw(thing);
    if (job.status === "done") break;
    await wait(0.5);
  }
  const blob = await (await ask(`${address}/result`, { signal })).blob();
  signal.removeEventListener("abort", drop);
  drop();
  return [blob, "done"];
}

async function cut(thing) {
  thing.leave = new AbortController();
  thing.part = 0;
  thing.note = "under way";
  thing.error = "";
  draw(thing);
  const mine = thing.leave;
  try {
    const [blob, note] = await (thing.film ? film(thing) : photo(thing));
    if (thing.after) URL.revokeObjectURL(thing.after);
    thing.after = URL.createObjectURL(blob);
    const suffix = SUFFIXES[blob.type] || "." + blob.type.split("/")[1];
    thing.name = thing.file.name.replace(/\.[^.]*$/, "") + "-cutout" + suffix;
    thing.note = note;
  } catch (error) {
    if (error.name === "AbortError") thing.note = "stopped";
    else thing.error = said(error);
  }
  if (mine !== thing.leave) return;
  thing.part = null;
  draw(thing);
  if (thing.error) wrong(thing);
  if (!shown || shown === thing || !shown.after) show(thing);
}

async function photos(list) {
  const mine = round;
  const ahead = list.filter((thing) => !thing.film);
  if (!ahead.length || pictureMissing()) return;
  $("progress").hidden = ahead.length < 2;
  $("progress").max = ahead.length;
  for (const [number, thing] of ahead.entries()) {
    $("progress").value = number;
    $("status").textContent = `Cutting out ${number + 1} of ${ahead.length}: ${thing.file.name}`;
    await cut(thing);
    if (mine !== round) return;
  }
  $("progress").hidden = true;
  const failed = ahead.filter((thing) => thing.error).length;
  $("status").textContent = failed ? `${ahead.length - failed} of ${ahead.length} done.` : "Done.";
}

export function again() {
  const mine = ++round;
  if (!things.some((thing) => !thing.film)) return;
  for (const thing of things) if (!thing.film) thing.leave.abort();
  $("status").textContent = "Again…";
  queue = queue.then(() => (mine === round ? photos(things.slice()) : null));
}

function draw(thing) {
  const text = thing.row.querySelector("span");
  text.textContent = `${thing.file.name}: ${thing.error || thing.note || "waiting"}`;
  text.className = thing.error ? "wrong" : "";
  const going = thing.film && thing.part !== null;
  thing.row.querySelector("progress").hidden = thing.row.querySelector(".stop").hidden = !going;
  thing.row.querySelector("progress").value = thing.part || 0;
}

function wrong(thing) {
  $("error").textContent = thing.error ? `${thing.file.name}: ${thing.error}` : "";
}

function show(thing) {
  shown = thing;
  wrong(thing);
  for (const other of things) other.row.querySelector("button").setAttribute("aria-pressed", String(other === thing));
  $("again").hidden = !thing.film || thing.part !== null;
  const whole = Boolean(thing.after) && !thing.error;
  $("view").hidden = !whole && $("again").hidden;
  $("compare").hidden = !whole || thing.film;
  $("film").hidden = !whole || !thing.film;
  $("download").hidden = !whole;
  $("name").textContent = whole ? thing.name : thing.file.name;
  $("film").removeAttribute("src");
  if (!whole) return;
  if (thing.film) $("film").src = thing.after;
  else [$("before").src, $("after").src] = [thing.before, thing.after];
  $("download").href = thing.after;
  $("download").download = thing.name;
}

function rowOf(thing) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const small = document.createElement(thing.film ? "video" : "img");
  small.src = thing.before;
  small.alt = "";
  small.muted = true;
  small.addEventListener("error", () => small.remove());
  const progress = document.createElement("progress");
  progress.setAttribute("aria-label", `Frames of ${thing.file.name} done`);
  button.append(small, document.createElement("span"), progress);
  button.addEventListener("click", () => show(thing));
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "stop";
  stop.textContent = "Stop";
  stop.addEventListener("click", () => thing.leave.abort());
  row.append(button, stop);
  return row;
}

export function add(files) {
  const added = files.map((file) => {
    const film = file.type.startsWith("video/") || /\.mkv$/i.test(file.name);
    const thing = { file, film, before: URL.createObjectURL(file), after: "", note: "", error: "", part: null };
    thing.leave = new AbortController();
    thing.row = rowOf(thing);
    $("list").append(thing.row);
    things.push(thing);
    draw(thing);
    return thing;
  });
  if (!added.length) return;
  if (shown && shown.error) shown = null;
  queue = queue.then(() => photos(added));
  for (const thing of added) if (thing.film && !pictureMissing()) cut(thing);
}

export async function offerModels() {
  const tasks = ["person-segmentation", "saliency", "matting"];
  const models = await (await ask("/v1/models")).json();
  const fitting = models.filter((model) => tasks.includes(model.task));
  $("model").replaceChildren(...fitting.map((model) => new Option(model.name, model.name)));
}

$("again").addEventListener("click", () => {
  if (pictureMissing()) return;
  cut(shown);
  show(shown);
});
$("slider").addEventListener("input", () => $("compare").style.setProperty("--at", `${$("slider").value}%`));
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("settings").addEventListener("change", (event) => {
  if (event.target === $("files")) return;
  const implied = { colour: "colour", picture: "picture" }[event.target.id];
  if (implied) document.querySelector(`input[name=background][value=${implied}]`).checked = true;
  again();
});
addEventListener("pagehide", () => { for (const thing of things) thing.leave.abort(); });
