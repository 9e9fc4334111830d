// The plot: a row for each thread of each run, and in it each tile that the thread painted, from when to when.

const SVG = "http://www.w3.org/2000/svg";
// In CSS pixels: room for the names on the left and for the times on the right, and between two runs.
const LEFT = 96;
const RIGHT = 64;
const GAP = 24;

export function drawPlot(svg, runs) {
  const longest = Math.max(...runs.map((run) => run.milliseconds));
  const most = Math.max(...runs.map((run) => run.threads));
  const row = Math.max(8, Math.min(24, 240 / most));
  const width = Math.max(svg.clientWidth - LEFT - RIGHT, 50);
  const across = (milliseconds) => LEFT + (milliseconds / longest) * width;
  const parts = [];
  let top = 0;
  for (const { threads, milliseconds, records } of runs) {
    const lanes = [...new Set(records.map(({ thread }) => thread))].sort((a, b) => a - b);
    const height = Math.max(row * lanes.length, 20);
    const middle = top + height / 2;
    parts.push(text(LEFT - 12, middle, threads > 1 ? `${threads} threads` : "1 thread", "end"));
    for (const { tile, thread, begin, end } of records) {
      parts.push(
        make("rect", {
          x: across(begin).toFixed(2),
          y: top + lanes.indexOf(thread) * row,
          width: Math.max(across(end) - across(begin), 0.3).toFixed(2),
          height: row - 2,
          class: `shade-${tile % 3}`,
        }),
      );
    }
    parts.push(text(across(milliseconds) + 8, middle, `${(milliseconds / 1000).toFixed(2)} s`, "start"));
    top += height + GAP;
  }
  svg.setAttribute("height", top - GAP);
  svg.replaceChildren(...parts);
}

function make(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function text(x, y, words, anchor) {
  const node = make("text", { x, y, "text-anchor": anchor, "dominant-baseline": "central" });
  node.textContent = words;
  return node;
}
