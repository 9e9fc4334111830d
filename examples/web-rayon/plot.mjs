// The plot: a row for each thread of each run, and in it each tile that the thread painted, from when to when.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const LEFT = 150;
const RIGHT = 70;
const GAP = 34;

export function drawPlot(svg, runs) {
  const longest = Math.max(...runs.map((run) => run.milliseconds));
  const most = Math.max(...runs.map((run) => run.threads));
  const row = Math.max(8, Math.min(26, 260 / most));
  const across = (milliseconds) => LEFT + (milliseconds / longest) * (WIDTH - LEFT - RIGHT);
  const parts = [];
  let top = 6;
  for (const { threads, milliseconds, records } of runs) {
    const lanes = [...new Set(records.map(({ thread }) => thread))].sort((a, b) => a - b);
    const height = Math.max(row * lanes.length, 20);
    parts.push(text(LEFT - 14, top + height / 2, threads > 1 ? `${threads} threads` : "1 thread", "end"));
    for (const { tile, thread, begin, end } of records) {
      const lane = lanes.indexOf(thread);
      parts.push(
        make("rect", {
          x: across(begin).toFixed(2),
          y: top + lane * row,
          width: Math.max(across(end) - across(begin), 0.4).toFixed(2),
          height: row - 2,
          class: `shade-${tile % 3}`,
        }),
      );
    }
    parts.push(text(across(milliseconds) + 8, top + height / 2, `${(milliseconds / 1000).toFixed(2)} s`, "start"));
    top += height + GAP;
  }
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${top - GAP + 6}`);
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
