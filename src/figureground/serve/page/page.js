// What holds for both tabs: which is shown, what this server offers, where files land.
import { $, ask, said } from "/ask.js";
import { add, again, offerModels } from "/cut.js";
import { offerSearch, search } from "/search.js";

function turn() {
  const searching = location.hash === "#search" && !$("to-search").hidden;
  $("cut").hidden = searching;
  $("search").hidden = !searching;
  for (const [link, here] of [["to-cut", !searching], ["to-search", searching]]) {
    if (here) $(link).setAttribute("aria-current", "page");
    else $(link).removeAttribute("aria-current");
  }
}

function take(files) {
  if ($("search").hidden) add(files);
  else search(files[0]);
}

async function offer() {
  try {
    const { paths } = await (await ask("/openapi.json")).json();
    if ("/v1/video" in paths) {
      $("files").accept = "image/*,video/*,.mkv";
      $("picture").accept = "image/*,video/*";
      $("drop").querySelector("strong").textContent = "Choose photos or videos";
    }
    await offerModels();
    if ("/v1/search" in paths) await offerSearch();
    $("error").textContent = "";
  } catch (error) {
    $("error").textContent = said(error);
  }
  turn();
}

for (const id of ["files", "query"]) {
  $(id).addEventListener("change", () => { take([...$(id).files]); $(id).value = ""; });
}
$("key").addEventListener("change", () => offer().then(again));
addEventListener("hashchange", turn);
addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take([...event.clipboardData.files]);
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    for (const id of ["drop", "query-drop"]) $(id).classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}
offer();
