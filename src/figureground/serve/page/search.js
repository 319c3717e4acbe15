// Who of the server's gallery looks like the person in a picture.
import { $, ask, said } from "/ask.js";

let picture = null;
let leave = new AbortController();
let pictures = []; // addresses of blobs that are shown

export async function offerSearch() {
  const { people } = await (await ask("/v1/gallery")).json();
  $("people").textContent = people;
  $("to-search").hidden = false;
}

async function match(found, signal) {
  const item = document.createElement("li");
  if (found.same === false) item.className = "unsure";
  const image = document.createElement("img");
  image.alt = found.person || found.image;
  const words = document.createElement("span");
  const parts = [
    found.person && `person ${found.person}`,
    `score ${found.score.toFixed(3)}`,
    found.probability === null ? "" : `${Math.round(100 * found.probability)} % the same`,
    found.camera && `camera ${found.camera}`,
    found.time && found.time.slice(0, 16).replace("T", " "),
    found.person ? "" : found.image,
  ];
  words.textContent = parts.filter(Boolean).join(", ");
  item.append(words);
  try {
    image.src = show(await (await ask(`/v1/gallery/${found.id}/thumbnail`, { signal })).blob());
    item.prepend(image);
  } catch (error) {
    if (error.name === "AbortError") throw error; // else none is kept of this one
  }
  return item;
}

function show(blob) {
  const address = URL.createObjectURL(blob);
  pictures.push(address);
  return address;
}

export async function search(file) {
  picture = file;
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  pictures.forEach(URL.revokeObjectURL);
  pictures = [];
  $("matches").replaceChildren();
  $("search-error").textContent = "";
  $("found").textContent = "Searching…";
  $("query-picture").src = show(file);
  $("asked").hidden = false;
  const data = new FormData();
  data.append("file", file);
  data.append("people", $("kind").value);
  data.append("top", $("top").value);
  try {
    const answer = await (await ask("/v1/search", { method: "POST", body: data, signal })).json();
    const items = [];
    for (const one of answer.matches) items.push(await match(one, signal));
    if (signal.aborted) return;
    const sure = answer.matches.filter((one) => one.same !== false).length;
    $("found").textContent = answer.nobody
      ? "Nobody in the gallery is this person" + (items.length ? "; these are the nearest." : ".")
      : answer.threshold === null
        ? "The nearest, whoever they are: this gallery has no threshold yet."
        : `${sure} ${sure === 1 ? "match" : "matches"}.`;
    $("matches").replaceChildren(...items);
  } catch (error) {
    if (error.name === "AbortError") return;
    $("found").textContent = "";
    $("asked").hidden = true;
    $("search-error").textContent = `${file.name}: ${said(error)}`;
  }
}

$("query-form").addEventListener("submit", (event) => event.preventDefault());
$("query-form").addEventListener("change", (event) => {
  if (event.target !== $("query") && picture) search(picture);
});
