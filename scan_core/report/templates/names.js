// Names: fields on the cards, what they make of the clusters, and clusters.yaml.
{
const fields = [...document.querySelectorAll(".name input")];  // by cluster
const sizes = cards.map((card) => -card.dataset.size);
const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
const clean = (text) => {
  const name = text.normalize("NFC").split(/[\s\p{Cc}]+/u).filter(Boolean).join(" ");
  return name.toLowerCase() === "junk" ? "junk" : name;
};
const order = new Intl.Collator(undefined, { numeric: true });
const element = (tag, ...children) => {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
};
const links = (clusters, most = clusters.length) => [
  ...clusters.slice(0, most).flatMap((cluster, i) => {
    const link = element("a", `cluster ${cluster}`);
    link.href = `#cluster-${cluster}`;
    return i ? [", ", link] : [link];
  }),
  clusters.length > most ? ` and ${clusters.length - most} more` : "",
];
const dot = (cluster) => {
  const made = element("b");
  made.className = "dot";
  made.dataset.cluster = cluster;
  return made;
};
const forgets = () => { byId("kept").textContent = "This browser remembers nothing of this page: save before you close it."; };
function remember() {  // a browser may keep nothing for local files
  try { localStorage.setItem(data.key, JSON.stringify(fields.map((field) => field.value))); } catch { forgets(); }
}
function recall() {
  try {
    const typed = JSON.parse(localStorage.getItem(data.key));
    if (Array.isArray(typed) && typed.length === fields.length) fields.forEach((field, i) => { field.value = typed[i]; });
  } catch { forgets(); }
}
function rename() {
  const groups = new Map();
  fields.forEach((field, cluster) => {
    given[cluster] = clean(field.value);
    if (given[cluster]) groups.set(given[cluster], [...(groups.get(given[cluster]) ?? []), cluster]);
  });
  const names = [...groups.keys()].sort((a, b) => (a === "junk") - (b === "junk") || order.compare(a, b));
  const ranks = new Map(names.map((name, i) => [name, name === "junk" ? fields.length + 1 : i]));
  const together = (name) => counted(groups.get(name).reduce((sum, cluster) => sum + sizes[cluster], 0), "picture");
  fields.forEach((field, cluster) => {
    const name = given[cluster], group = groups.get(name) ?? [cluster], card = byId(`cluster-${cluster}`);
    const number = /^cluster (\d+)$/.exec(name)?.[1];
    const taken = number !== undefined && +number < fields.length && given[number] !== name;
    field.setCustomValidity(taken ? `“${name}” is another cluster without this name; give both the same name` : "");
    lead[cluster] = name === "junk" ? -1 : group[0];
    card.classList.toggle("junk", name === "junk");
    card.dataset.name = `${name} ${data.names[cluster]}`;
    card.dataset.group = ranks.get(name) ?? fields.length;
    card.querySelector("h3 span").textContent = name ? `cluster ${cluster}: ${name}` : `cluster ${cluster}`;
    const others = group.filter((other) => other !== cluster);
    const line = name === "junk" ? ["set aside"] : others.length ? ["with ", ...links(others, 10), `: ${together(name)} together`] : [];
    field.parentElement.nextElementSibling.replaceChildren(...(taken ? [field.validationMessage] : line));
  });
  byId("groups").replaceChildren(...names.map((name) => {
    const clusters = groups.get(name);
    const found = [`\u00a0${name}${name === "junk" ? ", set aside" : ""}: ${together(name)} in `, ...links(clusters)];
    return element("li", dot(clusters[0]), ...found);
  }));
  byId("known").replaceChildren(...[...new Set([...names, "junk"])].map((name) => {
    const option = element("option");
    option.value = name;
    return option;
  }));
  for (const link of document.querySelectorAll('#cards p:not(.name) a[href^="#cluster-"], .legend a')) link.textContent = title(+link.hash.slice(9));
  for (const each of document.querySelectorAll(".dot")) each.style.background = color(+each.dataset.cluster);
  mix();
  draw();
}
const quoted = (text) =>  // as JSON, with what YAML does not take as it is
  JSON.stringify(text).replace(/[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const yaml = () => [
  "# The names of one model's clusters: python -m stages.names installs them. An empty name is no name, the same\n",
  "# name merges clusters, and \"junk\" sets them aside. Members are the surest pictures of a cluster.\n",
  `model: ${data.model}\nclusters:\n`,
  ...data.members.map((members, cluster) =>
    `  - cluster: ${cluster}\n    name: ${quoted(given[cluster])}\n    members: [${members.map(quoted).join(", ")}]\n`),
].join("");
function save() {
  rename();
  const wrong = fields.findIndex((field) => !field.validity.valid);
  if (wrong >= 0) {
    byId("saved").textContent = `Not saved. Cluster ${wrong}: ${fields[wrong].validationMessage}.`;
    openCard(wrong);
    fields[wrong].focus();
    return;
  }
  const link = element("a"), address = URL.createObjectURL(new Blob([yaml()], { type: "application/yaml" }));
  link.href = address;
  link.download = "clusters.yaml";
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  const count = given.filter(Boolean).length;
  byId("saved").textContent = `Saved: ${count} of ${counted(fields.length, "cluster")} have a name. Now run python -m stages.names with the file.`;
}
for (const field of fields) {
  field.addEventListener("focus", () => field.setAttribute("list", "known"));  // on a thousand fields, it is slow
  field.addEventListener("blur", () => field.removeAttribute("list"));
  field.addEventListener("input", remember);
  field.addEventListener("change", () => { field.value = clean(field.value); remember(); rename(); });
  field.addEventListener("keydown", (event) => {  // on to the next card
    if (event.key !== "Enter" || event.isComposing) return;
    const shown = cards.filter((card) => !card.hidden), next = shown[shown.indexOf(field.closest("article")) + 1];
    (next?.querySelector(".name input") ?? byId("save")).focus();
  });
}
byId("save").addEventListener("click", save);
recall();
rename();
arrange();
}
