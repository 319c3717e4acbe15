// /openapi.json, to be read by people.
function element(kind, text, ...children) {
  const made = document.createElement(kind);
  made.textContent = text;
  made.append(...children);
  return made;
}

function values(schema) {
  const kinds = [schema, ...(schema.anyOf || [])].map((one) => (one.enum ? one.enum.join(", ") : one.type));
  return kinds.filter((kind) => kind && kind !== "null").join(" or ");
}

function options(operation) {
  const form = operation.requestBody?.content["multipart/form-data"]?.schema.properties || {};
  const query = (operation.parameters || []).map((one) => [one.name, one.schema]);
  const rows = Object.entries({ ...Object.fromEntries(query), ...form }).map(([name, schema]) =>
    element("tr", "",
      element("td", "", element("code", name)),
      element("td", schema.format === "binary" ? "a file" : values(schema)),
      element("td", schema.default === undefined || schema.default === "" ? "" : String(schema.default)),
      element("td", schema.description || "")));
  if (!rows.length) return [];
  const head = element("tr", "", ...["Option", "Values", "Default", ""].map((text) => element("th", text)));
  return [element("div", "", element("table", "", head, ...rows))];
}

try {
  const api = await (await fetch("/openapi.json")).json();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const section = element("section", "",
        element("h2", "", element("code", `${method.toUpperCase()} ${path}`)),
        element("p", operation.description || ""), ...options(operation));
      section.className = "operation";
      document.getElementById("paths").append(section);
    }
  }
} catch {
  document.getElementById("error").textContent = "The server cannot be reached.";
}
