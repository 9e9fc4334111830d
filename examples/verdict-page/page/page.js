"use strict";

// Files that are dropped or chosen, one after the other: each is judged by a worker of its own, and becomes a card.

const MINUTE = 60_000;
const results = document.getElementById("results");
const own = Uint8Array.from(atob(document.getElementById("module").textContent), (letter) => letter.charCodeAt(0));
const worker = URL.createObjectURL(
  new Blob([document.getElementById("worker").textContent], { type: "text/javascript" }),
);

// ------------------------------------------------------------------ in

let queue = Promise.resolve();

function add(files) {
  for (const file of [...files].reverse()) {
    const card = element("article", "card", heading(file), element("p", "waiting", "Reading …"));
    results.prepend(card);
  }
  const cards = [...results.children];
  [...files].forEach((file, index) => {
    queue = queue.then(async () => {
      const answer = await judged(file);
      cards[index].replaceChildren(heading(file), ...shown(file, answer));
    });
  });
}

document.getElementById("files").onchange = ({ target }) => {
  add(target.files);
  // The same file again is a file again: it may have been made anew.
  target.value = "";
};
document.getElementById("own").onclick = () => add([new File([own], "verdict_page.wasm")]);
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(type, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", type === "dragover" || type === "dragenter");
    if (type === "drop") add(event.dataTransfer.files);
  });
}

/// `{ report, picture }`, or `{ finding }` of what cannot be read, or `{ failure }` where nobody knows.
function judged(file) {
  return new Promise((resolve) => {
    const judge = new Worker(worker);
    const end = (answer) => {
      clearTimeout(limit);
      judge.terminate();
      resolve(answer);
    };
    const limit = setTimeout(() => end({ failure: "it was not judged within a minute" }), MINUTE);
    judge.onmessage = ({ data }) => end(data);
    judge.onerror = (event) => {
      event.preventDefault();
      end({ failure: `the judge did not start, which is a fault of this page: ${event.message}` });
    };
    judge.postMessage({ module: own, name: file.name, file });
  });
}

// ----------------------------------------------------------------- out

/// Text alone ever comes from a file: no name in it becomes an element.
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/// A name of the file's: what could turn a line around or hide in it is written as its number.
function visible(name, most = 120) {
  const letters = [...name.slice(0, 2 * most)];
  const safe = letters.slice(0, most).map((letter) =>
    /[\p{Alphabetic}\p{N} -~]/u.test(letter) ? letter : `\\u{${letter.codePointAt(0).toString(16)}}`,
  );
  return safe.join("") + (letters.length > most ? "…" : "");
}

const heading = (file) => element("h2", "", visible(file.name), element("small", "", bytes(file.size)));

/// As a person would say it, to one digit behind the point.
function size(number) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  for (; number >= 1024 && unit + 1 < units.length; unit += 1) number /= 1024;
  return `${Math.round(number * 10) / 10} ${units[unit]}`;
}

const counted = (number, one) => `${number.toLocaleString("en").replaceAll(",", "\u202f")} ${one}${number === 1 ? "" : "s"}`;
const bytes = (number) => counted(number, "byte");
const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

function shown(file, { failure, finding, report, picture }) {
  if (failure) return [verdict("bad", "It was not judged", capital(failure))];
  if (finding) return [verdict("bad", "It cannot be read"), findingOf(finding)];
  const { component, findings, modules } = JSON.parse(report);
  const parts = findings.map(findingOf);
  if (component) parts.unshift(element("p", "", `A component with ${counted(modules.length, "core module")}.`));
  for (const module of modules) {
    if (component) parts.push(element("h3", "", `${capital(module.place)}, from byte ${module.offset} on`));
    parts.push(...judgement(module));
  }
  if (picture) parts.push(drawn(picture));
  parts.push(...modules.map(facts));
  const saves = [save(`${file.name}.json`, "application/json", report, "Save the facts as JSON")];
  if (picture) saves.unshift(save(`${file.name}.svg`, "image/svg+xml", picture, "Save the picture"));
  parts.push(element("p", "saves", ...saves));
  return parts;
}

function verdict(className, text, more) {
  return element("p", `verdict ${className}`, text, ...(more ? [element("small", "", more)] : []));
}

const HOSTS = {
  javascript: "JavaScript",
  "wasi-threads": "wasi-threads",
  wasi: "WASI without threads",
  emscripten: "Emscripten",
  "emscripten-side": "Emscripten, as a side module",
};
const STAGES = { linked: "as linked", "after-wasm-bindgen": "after wasm-bindgen" };
const hostOf = ({ abi, stage }) => `${HOSTS[abi] ?? abi}, ${STAGES[stage] ?? stage}`;

function judgement(module) {
  const { threaded, findings } = module.verdict;
  const counts = ["error", "warning"].flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : [counted(count, level)];
  });
  const className = !threaded ? "bad" : findings.length > 0 ? "warn" : "good";
  const more = [`For ${hostOf(module)}`, ...counts].join("; ");
  return [verdict(className, threaded ? "Threaded" : "Not threaded", more), ...findings.map(findingOf)];
}

function findingOf(finding) {
  const rows = ["found", "wanted", "why", "fix"].filter((name) => finding[name] !== "");
  return element(
    "section",
    `finding ${finding.level}`,
    element("h4", "", element("span", "what", finding.what), element("code", "", `${finding.level}[${finding.rule}]`)),
    element("dl", "", ...rows.flatMap((name) => [element("dt", "", name), element("dd", name, finding[name])])),
  );
}

/// The picture has styles and ids of its own, which end at the shadow's edge.
function drawn(picture) {
  const host = element("div", "picture");
  const { documentElement } = new DOMParser().parseFromString(picture, "image/svg+xml");
  documentElement.setAttribute("style", "display: block; width: 100%; min-width: 34rem; height: auto");
  host.attachShadow({ mode: "open" }).append(documentElement);
  return host;
}

function facts(module) {
  const rows = [];
  const row = (name, ...values) => {
    if (values.length > 0) rows.push(element("dt", "", name), element("dd", "", ...values));
  };
  const code = (text) => element("code", "", text);
  const names = (list, of) => list.slice(0, 100).map(of).join(", ");
  row("host", hostOf(module));
  for (const memory of module.memories) {
    const from = memory.import ? `imported as ${visible(memory.import.module)}.${visible(memory.import.name)}` : "its own";
    const most = memory.maximum_bytes === null ? "no maximum" : `at most ${size(memory.maximum_bytes)}`;
    row("memory", `${from}, ${memory.shared ? "shared" : "not shared"}; ${size(memory.initial_bytes)} at the start, ${most}`);
    if (memory.javascript) row("JavaScript", code(memory.javascript));
    for (const note of memory.notes) row("note", note);
  }
  const withValue = ({ name, value }) => (value === null ? visible(name) : `${visible(name)} = ${value}`);
  const others = (count) => (count > 0 ? `${count} more` : []);
  const list = ({ for_threads, others: count }, of) => [names(for_threads, of), others(count)].flat().filter(Boolean).join("; ");
  row("exports", list(module.exports, withValue) || "none");
  row("imports", list(module.imports, ({ module, name }) => `${visible(module)}.${visible(name)}`) || "none");
  row("start", module.start === null ? "no start function" : `function ${module.start.function}`);
  const active = module.segments.filter((segment) => segment.active).length;
  row("data", `${counted(module.segments.length, "segment")}, ${active} of them active`);
  if (module.tls) row("thread-locals", `${bytes(module.tls.size)} for each thread`);
  row("features", module.features === null ? "not recorded" : names(module.features, (name) => visible(name)));
  if (module.wasm_opt.length > 0) row("wasm-opt", code(module.wasm_opt.join(" ")), " (the module does not say what it uses)");
  row("made by", names(module.producers, ({ name, version }) => visible(`${name} ${version}`)) || "not recorded");
  return element("details", "facts", element("summary", "", "All facts"), element("dl", "", ...rows));
}

function save(name, type, text, label) {
  const link = element("a", "", label);
  link.download = visible(name).replaceAll(/[\\/:*?"<>|]/g, "_");
  link.href = `data:${type};charset=utf-8,${encodeURIComponent(text)}`;
  return link;
}
