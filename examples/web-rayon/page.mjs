// The page: asks the worker to paint with one thread and with all, shows the picture as it grows, and who painted what when.

import { drawPlot } from "./plot.mjs";

const element = (id) => document.getElementById(id);
const canvas = element("picture");
const context = canvas.getContext("2d", { willReadFrequently: true });
const wanted = Number(new URLSearchParams(location.search).get("threads")) || navigator.hardwareConcurrency || 1;

const worker = new Worker("worker.mjs", { type: "module" });
let hearTile;
let loaded;

// Asks the worker, and waits for its answer.
function ask(order, words) {
  return new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(message || "The worker could not be loaded."));
    worker.onmessage = ({ data }) => {
      if (data.tile) hearTile(data.tile);
      else if (data.error) reject(new Error(data.error));
      else resolve(data.answer);
    };
    worker.postMessage({ order, words });
  });
}

// Paints once; gives what there is to say of it.
async function paint(threads) {
  const { where, buffer } = loaded;
  const records = [];
  context.clearRect(0, 0, canvas.width, canvas.height);
  const show = ({ tile, record, pixels }) => {
    const columns = where.width / where.tile;
    const image = new ImageData(pixels, where.tile, where.tile);
    context.putImageData(image, (tile % columns) * where.tile, Math.floor(tile / columns) * where.tile);
    const [thread, begin, end] = record;
    records.push({ tile, thread, begin: begin / 1000, end: end / 1000 });
    element("progress").value = records.length / where.tiles;
  };
  hearTile = show;
  element("status").textContent = threads > 1 ? `Painting with ${threads} threads` : "Painting with one thread";
  element("progress").value = 0;

  const stop = buffer && look(buffer, where, show);
  const { milliseconds } = await ask("paint", { all: threads > 1, send: !buffer });
  stop?.();
  return { threads, milliseconds, records, image: context.getImageData(0, 0, canvas.width, canvas.height) };
}

// Shows each tile once, as soon as the shared memory says that it is done. The function that it gives shows the rest, and stops.
function look(buffer, where, show) {
  const records = new Uint32Array(buffer, where.records, 3 * where.tiles);
  const bytes = where.tile * where.tile * 4;
  const shown = new Set();
  const step = () => {
    for (let tile = 0; tile < where.tiles; tile++) {
      if (shown.has(tile) || Atomics.load(records, 3 * tile + 2) === 0) continue;
      shown.add(tile);
      // A copy: an image may not lie in shared memory.
      const pixels = new Uint8ClampedArray(buffer, where.pixels + bytes * tile, bytes).slice();
      show({ tile, record: [...records.slice(3 * tile, 3 * tile + 3)], pixels });
    }
  };
  // Until the worker begins, the memory still holds the last picture.
  for (let tile = 0; tile < where.tiles; tile++) Atomics.store(records, 3 * tile + 2, 0);
  const timer = setInterval(step, 30);
  return () => {
    clearInterval(timer);
    step();
  };
}

async function run() {
  element("again").disabled = true;
  document.body.dataset.state = "painting";
  loaded ??= await ask("load", wanted);
  const { where, threads, why } = loaded;
  canvas.width = where.width;
  canvas.height = where.height;
  showWhy(why);
  const runs = [await paint(1)];
  drawPlot(element("plot"), runs);
  if (threads > 1) runs.push(await paint(threads));
  drawPlot(element("plot"), runs);
  showTimes(runs);
  // For the browser's console, and for tests.
  window.webRayon = { runs, why };
  document.body.dataset.state = "done";
  element("again").disabled = false;
}

function showTimes([one, all]) {
  const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;
  element("one").textContent = seconds(one.milliseconds);
  element("all-label").textContent = all ? `${all.threads} threads` : "All threads";
  element("all").textContent = all ? seconds(all.milliseconds) : "–";
  element("speed-up").textContent = all ? `${(one.milliseconds / all.milliseconds).toFixed(2)}×` : "–";
  const equal = all && same(one.image, all.image);
  const both = equal ? "Done: both pictures are the same, byte for byte" : "The two pictures differ, and must not";
  element("status").textContent = all ? both : "Done, with one thread";
}

const same = (a, b) => a.data.every((byte, at) => byte === b.data[at]);

// Says in full why there is only one thread.
function showWhy(why) {
  const box = element("why");
  box.hidden = why.length === 0;
  box.replaceChildren(
    ...why.map(({ what, because, fix, code, error }) => {
      const part = document.createElement("section");
      const add = (name, text) => text && part.appendChild(Object.assign(document.createElement(name), { textContent: text }));
      add("h2", `One thread only. ${what}`);
      add("p", `${because} ${fix}`);
      add("pre", code);
      add("small", error && `The browser said: ${error}`);
      return part;
    }),
  );
}

function fail(error) {
  element("status").textContent = `It failed: ${error.message}`;
  document.body.dataset.state = "failed";
}

// The plot is as wide as the page.
addEventListener("resize", () => window.webRayon && drawPlot(element("plot"), window.webRayon.runs));
element("again").onclick = () => run().catch(fail);
run().catch(fail);
