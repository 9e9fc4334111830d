// Paints, beside the page: what waits for other threads may not run on a page's main thread.

import init, { begin, initThreadPool, layout, paintAll, paintTile } from "./pkg/web_rayon.js";
import { explain } from "./explain.mjs";

let memory;
let where;

const orders = {
  // Loads the module, and starts so many threads. Where that fails, it says why, and goes on with one.
  async load(wanted) {
    ({ memory } = await init());
    const { width, height, tile, tiles, pixels, records } = layout();
    where = { width, height, tile, tiles, pixels, records };
    const shared = isShared(memory.buffer);
    let threads = 1;
    let why = [];
    if (wanted > 1) {
      try {
        await initThreadPool(wanted);
        threads = wanted;
      } catch (error) {
        why = explain(error, { isolated: crossOriginIsolated, secure: isSecureContext, shared });
      }
    }
    // The page can look into memory that is shared; else it is sent each tile.
    return { where, threads, why, buffer: threads > 1 ? memory.buffer : null };
  },

  // Paints on all threads, or on this one alone; says how many milliseconds it took.
  paint({ all, send }) {
    begin();
    const began = performance.now();
    if (all) {
      paintAll();
    } else {
      for (let tile = 0; tile < where.tiles; tile++) {
        paintTile(tile);
        if (send) postMessage({ tile: copyOf(tile) });
      }
    }
    return { milliseconds: performance.now() - began };
  },
};

onmessage = async ({ data: { order, words } }) => {
  try {
    postMessage({ answer: await orders[order](words) });
  } catch (error) {
    postMessage({ error: `${error}` });
  }
};

// A page that is not isolated has such memory, but not its name.
function isShared(buffer) {
  return Object.prototype.toString.call(buffer) === "[object SharedArrayBuffer]";
}

function copyOf(tile) {
  const bytes = where.tile * where.tile * 4;
  return {
    tile,
    record: [...new Uint32Array(memory.buffer, where.records + 12 * tile, 3)],
    pixels: new Uint8ClampedArray(memory.buffer, where.pixels + bytes * tile, bytes).slice(),
  };
}
