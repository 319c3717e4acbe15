"use strict";
// One photo: {file, before, after, name, error, button}. Photos are sent one after the other.
const $ = (id) => document.getElementById(id);
const photos = [];
let shown = null;
let run = 0; // settings that have changed make older answers stale
let leave = new AbortController();

function chosen() {
  return document.querySelector("input[name=background]:checked").value;
}

function headers() {
  return $("key").value ? { Authorization: `Bearer ${$("key").value}` } : {};
}

function form(photo) {
  const data = new FormData();
  data.append("file", photo.file);
  const kind = chosen();
  if (kind === "picture") data.append("background", $("picture").files[0]);
  else data.append("background", kind === "colour" ? $("colour").value : kind);
  data.append("edges", $("edges").value);
  data.append("keep", $("keep").value);
  data.append("format", $("format").value);
  if ($("model").value) data.append("model", $("model").value);
  return data;
}

async function answer(photo, signal) {
  for (let tries = 0; ; tries++) {
    const got = await fetch("/v1/cutout", { method: "POST", body: form(photo), headers: headers(), signal });
    if (got.ok) return got;
    if (got.status === 401) $("key-label").hidden = false;
    if (got.status !== 429 || tries === 5) {
      const said = await got.json().catch(() => ({}));
      throw new Error(said.error || `the server answered ${got.status}`);
    }
    await new Promise((done) => setTimeout(done, 1000 * Number(got.headers.get("Retry-After") || 1)));
  }
}

async function cut(photo, signal) {
  try {
    const got = await answer(photo, signal);
    const people = Number(got.headers.get("X-People"));
    const blob = await got.blob();
    if (photo.after) URL.revokeObjectURL(photo.after);
    photo.after = URL.createObjectURL(blob);
    const suffix = { "image/jpeg": ".jpg" }[blob.type] || "." + blob.type.split("/")[1];
    photo.name = photo.file.name.replace(/\.[^.]*$/, "") + "-cutout" + suffix;
    photo.error = "";
    photo.note = people < 0.002 ? "nobody was found in it" : "done";
  } catch (error) {
    if (error.name === "AbortError") return;
    photo.error = error instanceof TypeError ? "the server cannot be reached" : error.message;
  }
  row(photo);
}

async function all(list) {
  if (chosen() === "picture" && !$("picture").files.length) {
    $("status").textContent = "Choose the picture for the background.";
    return;
  }
  const mine = run;
  for (const [number, photo] of list.entries()) {
    $("status").textContent = `Cutting out ${number + 1} of ${list.length}: ${photo.file.name}`;
    await cut(photo, leave.signal);
    if (mine !== run) return;
    if (photo.error) wrong(photo);
    if (!shown || shown === photo || !shown.after) show(photo);
  }
  const failed = list.filter((photo) => photo.error).length;
  $("status").textContent = failed ? `${list.length - failed} of ${list.length} done.` : "Done.";
}

function again() {
  run++;
  leave.abort();
  leave = new AbortController();
  if (photos.length) all(photos.slice());
}

function row(photo) {
  const text = photo.button.querySelector("span");
  text.textContent = `${photo.file.name}: ${photo.error || photo.note || "waiting"}`;
  text.className = photo.error ? "wrong" : "";
}

function wrong(photo) {
  $("error").textContent = photo.error ? `${photo.file.name}: ${photo.error}` : "";
}

function show(photo) {
  shown = photo;
  wrong(photo);
  for (const other of photos) other.button.setAttribute("aria-pressed", String(other === photo));
  $("view").hidden = !photo.after || Boolean(photo.error);
  if ($("view").hidden) return;
  $("before").src = photo.before;
  $("after").src = photo.after;
  $("download").href = photo.after;
  $("download").download = $("name").textContent = photo.name;
}

function add(files) {
  const added = [...files].map((file) => {
    const photo = { file, before: URL.createObjectURL(file), after: "", note: "", error: "" };
    const item = document.createElement("li");
    photo.button = document.createElement("button");
    photo.button.type = "button";
    const small = document.createElement("img");
    small.src = photo.before;
    small.alt = "";
    small.addEventListener("error", () => small.remove());
    photo.button.append(small, document.createElement("span"));
    photo.button.addEventListener("click", () => show(photo));
    item.append(photo.button);
    $("list").append(item);
    photos.push(photo);
    row(photo);
    return photo;
  });
  if (!added.length) return;
  if (shown && shown.error) shown = null;
  queue = queue.then(() => all(added));
}
let queue = Promise.resolve();

async function offer() {
  try {
    const got = await fetch("/v1/models", { headers: headers() });
    if (got.status === 401) {
      $("key-label").hidden = false;
      $("status").textContent = "This server asks for a key.";
      return;
    }
    const tasks = ["person-segmentation", "saliency", "matting"];
    const fitting = (await got.json()).filter((model) => tasks.includes(model.task));
    $("model").replaceChildren(...fitting.map((model) => new Option(model.name, model.name)));
  } catch {
    $("error").textContent = "The server cannot be reached.";
  }
}

$("files").addEventListener("change", () => { add($("files").files); $("files").value = ""; });
$("slider").addEventListener("input", () =>
  $("slider").parentElement.style.setProperty("--at", `${$("slider").value}%`));
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("settings").addEventListener("change", (event) => {
  if (event.target === $("files")) return;
  const implied = { colour: "colour", picture: "picture" }[event.target.id];
  if (implied) document.querySelector(`input[name=background][value=${implied}]`).checked = true;
  if (event.target === $("key")) offer();
  again();
});
addEventListener("paste", (event) => add(event.clipboardData.files));
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") add(event.dataTransfer.files);
  });
}
offer();
