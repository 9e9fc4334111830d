// Starts a module twice on one memory, in two workers, with stubs for all else that it imports, and looks at what the second
// one does to the first.
//
//     node two-instances.mjs PLAN.json
//
// Prints lines of JSON: {"phase"} for what is about to happen, and in the end one {"saw"}. Nothing of the module is run but its
// start, and the one function that a host calls for each thread: __wasm_init_tls, or wasm-bindgen's __wbindgen_start. Its stubs
// give it nothing: zeros and nulls.
import { readFileSync, writeSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const PATTERNS = [0xa5, 0x5a];
const AROUND = 64; // bytes on both sides of a new thread's block
const MOST = 1 << 20; // bytes changed in one place

const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`);
const told = (thrown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : "an exception that nobody caught");

// ------------------------------------------------------------------ in a worker

function work({ module, stubs, plan }) {
  let exports;
  const called = new Set();
  let gave; // the first import that was called and has a result
  const value = (name) => (exports?.[name] instanceof WebAssembly.Global ? Number(exports[name].value) : null);
  const start = ({ memories }) => {
    exports = undefined;
    const note = (number) => {
      if (called.size < 8) called.add(number);
      if (plan.imports[number].gives) gave ??= number;
    };
    const stub = new WebAssembly.Instance(stubs, { stub: { called: note } });
    // Without a prototype, any name is a name as any other.
    const imports = Object.create(null);
    let memory = 0;
    plan.imports.forEach((entry, number) => {
      imports[entry.module] ??= Object.create(null);
      imports[entry.module][entry.name] = entry.memory ? memories[memory++] : stub.exports[number];
    });
    exports = new WebAssembly.Instance(module, imports).exports;
    if (plan.after === "wasm-bindgen") exports.__wbindgen_start(plan.stack);
  };
  const tls = ({ address }) => exports.__wasm_init_tls(plan.wide ? BigInt(address) : address);
  const look = ({ memories, at }) => at.map((address) => new Uint8Array(memories[0].buffer, address, 1)[0]);

  parentPort.on("message", (message) => {
    called.clear();
    gave = undefined;
    const answer = { error: null };
    try {
      answer.value = { start, tls, look }[message.action](message);
    } catch (thrown) {
      answer.error = told(thrown);
      // What the module did itself, and not something that could not be made for it.
      answer.trap = thrown instanceof WebAssembly.RuntimeError;
    }
    parentPort.postMessage({ ...answer, called: [...called], gave, base: value("__tls_base"), stack: value("__stack_alloc") });
  });
}

// ------------------------------------------------------------- in the main thread

class Thread {
  constructor(name, data) {
    this.name = name;
    this.worker = new Worker(new URL(import.meta.url), { workerData: data });
    this.worker.on("message", (answer) => this.answered?.(answer));
    this.worker.on("error", (error) => this.failed?.(error));
    this.worker.on("exit", () => this.failed?.(new Error("a worker ended")));
  }

  ask(action, message) {
    const doing = { start: "starting", tls: "setting up the thread-locals of", look: "looking from" }[action];
    say({ phase: `${doing} the ${this.name} instance` });
    return new Promise((resolve, reject) => {
      this.answered = resolve;
      this.failed = reject;
      this.worker.postMessage({ action, ...message });
    });
  }
}

/** The memory that the module imports; with a smaller maximum where this machine has not so much room. */
function newMemory({ initial, maximum, shared, wide }) {
  let most = maximum ?? undefined;
  for (;;) {
    try {
      if (!wide) return new WebAssembly.Memory({ initial, maximum: most, shared });
      try {
        return new WebAssembly.Memory({ address: "i64", initial: BigInt(initial), maximum: most && BigInt(most), shared });
      } catch {
        // Before it was settled.
        return new WebAssembly.Memory({ index: "i64", initial, maximum: most, shared });
      }
    } catch (error) {
      if (most === undefined || most === initial) throw error;
      most = Math.max(initial, Math.floor(most / 2));
    }
  }
}

class Run {
  constructor(plan) {
    this.plan = plan;
    const file = readFileSync(plan.module);
    say({ phase: "compiling the module" });
    const data = { module: new WebAssembly.Module(file), stubs: new WebAssembly.Module(readFileSync(plan.stubs)), plan };
    this.threads = ["first", "second"].map((name) => new Thread(name, data));
    this.template = plan.template && file.subarray(plan.template.at, plan.template.at + plan.template.size);
    this.regions = plan.regions.map(({ address, size, at }) => ({
      address,
      content: at === null ? Buffer.alloc(size) : file.subarray(at, at + size),
      segment: at !== null && at !== plan.template?.at,
    }));
  }

  /** Two new instances on a new memory. Between the two, what is in `change` of each region is changed. */
  async round({ change = () => [], pattern, poison }) {
    const memories = this.plan.memories.map(newMemory);
    const bytes = () => new Uint8Array(memories[0].buffer);
    const [one, two] = this.threads;
    const saw = { first: await one.ask("start", { memories }), regions: [] };
    if (!this.isUp(saw.first)) return { ...saw, stopped: "first" };
    const { tls } = this.plan;
    if (tls && tls.size > 0 && !saw.first.base) {
      // wasm-ld 14 leaves the thread-locals of the first thread to the host.
      const { gave } = saw.first;
      saw.first = await one.ask("tls", { address: tls.first });
      saw.first.gave ??= gave;
      if (saw.first.error) return { ...saw, stopped: "first" };
    }

    if (!this.found) this.find(bytes(), saw.first.base);
    saw.before = this.regions.map(({ address, content }) => bytes().slice(address, address + content.length));
    const at = this.regions.flatMap(({ address, content }) => samples(content, () => true, 8).map((index) => address + index));
    const looked = await two.ask("look", { memories, at });
    saw.seen = looked.value && at.every((address, index) => looked.value[index] === bytes()[address]);

    const changed = this.regions.map(change);
    this.regions.forEach(({ address }, number) => {
      const view = bytes();
      for (const index of changed[number]) view[address + index] ^= 0xff;
    });
    if (poison) bytes().fill(PATTERNS[0], poison.address, poison.address + poison.size);
    if (tls) bytes().fill(pattern, tls.second - AROUND, tls.second + tls.size + AROUND);

    const reverted = () => {
      const view = bytes();
      return this.regions.map(({ address }, number) => {
        const again = changed[number].filter((index) => view[address + index] === saw.before[number][index]);
        return { address, length: again.length, of: changed[number].length, at: again[0] };
      });
    };
    saw.second = await two.ask("start", { memories });
    saw.reverted = reverted();
    saw.after = this.regions.map(({ address, content }) => bytes().slice(address, address + content.length));
    if (!this.isUp(saw.second)) return { ...saw, stopped: "second" };
    const block = (address, size) => [...bytes().slice(address, address + size)];
    if (tls) {
      saw.tls = await two.ask("tls", { address: tls.second });
      saw.own = block(tls.second, tls.size);
      saw.outside = [...block(tls.second - AROUND, AROUND), ...block(tls.second + tls.size, AROUND)].some((byte) => byte !== pattern);
      saw.revertedByTls = reverted();
      // The first thread sees what the second has written.
      const looked = await one.ask("look", { memories, at: [tls.second] });
      saw.seen &&= tls.size === 0 || looked.value?.[0] === saw.own[0];
    } else if (this.template && saw.second.base) {
      saw.own = block(saw.second.base, this.template.length);
    }
    return saw;
  }

  /** Whether a thread came so far that the rest can be looked at. */
  isUp({ error, called, base }) {
    // A program's own start, which wasm-bindgen calls last, may not like what its stubs give it.
    return !error || Boolean(this.plan.after === "wasm-bindgen" && called.length > 0 && this.template && base > 0);
  }

  /** Where the regions are whose address could not be read off the code. */
  find(memory, base) {
    this.found = true;
    const all = Buffer.from(memory.buffer, 0, memory.length);
    // wasm-bindgen's start takes the thread-locals of the first thread, too, from the heap.
    if (this.plan.after === "wasm-bindgen" && this.template && base) this.regions.push({ address: base, content: this.template });
    // Those that are to be seen written.
    this.segments = this.regions.filter(({ segment, content }) => segment && content.some((byte) => byte !== 0)).length;
    this.regions = this.regions.flatMap(({ address, content, segment }) => {
      const known = address ?? (content.length >= 16 ? all.indexOf(content) : -1);
      return known >= 0 && known + content.length <= memory.length ? [{ address: known, content, segment }] : [];
    });
  }

  async all() {
    const plain = await this.round({ pattern: PATTERNS[1] });
    const saw = { first: plain.first, second: plain.second, stopped: plain.stopped ?? null, seen: plain.seen };
    if (plain.stopped) return saw;
    const linked = this.plan.after === "linker";
    // What is as in the file, and no instance changes by itself: whatever else of a number that it changes is the number's, too.
    const untouched = this.regions.map(({ address, content }, number) => {
      const [before, after] = [plain.before[number], plain.after[number]];
      const kept = (index) => before[index] === content[index] && after[index] === content[index];
      const whole = new Uint8Array(content.length).fill(1);
      for (let index = 0; index < content.length; index++) {
        const word = index - ((address + index) % 8);
        if (!kept(index)) whole.fill(0, Math.max(0, word), word + 8);
      }
      return (index) => whole[index] === 1 && (linked || content[index] !== 0);
    });
    const some = (most, shift) => ({ content }, number) => samples(content, untouched[number], most, shift);

    // A start that reads data may stumble over what is changed: then it is tried with less.
    const tries = linked ? [[MOST], [16], [1]] : [[16], [16, 1], [4], [1], [1, 1]];
    const same = (one, other) => one?.error === other?.error && one?.base === other?.base;
    let changed;
    for (const [most, shift] of tries) {
      const round = await this.round({ change: some(most, shift), pattern: PATTERNS[0] });
      if (round.stopped || !same(round.first, plain.first) || !same(round.second, plain.second)) continue;
      changed = round;
      break;
    }
    saw.data = { conclusive: Boolean(changed), bytes: 0, places: 0, reverted: [], by: null };
    if (changed) {
      const wrong = (all) => all?.filter(({ length, of }) => length > 0 && (linked || length === of)) ?? [];
      const byStart = wrong(changed.reverted);
      const reverted = byStart.length > 0 ? byStart : wrong(changed.revertedByTls);
      saw.data.bytes = changed.reverted.reduce((sum, { of }) => sum + of, 0);
      saw.data.places = changed.reverted.filter(({ of }) => of > 0).length;
      saw.data.segments = this.segments;
      saw.data.shown = changed.reverted.filter(({ of }, number) => of > 0 && this.regions[number].segment).length;
      if (reverted.length > 0) {
        // Not because of something else that was changed: by itself that byte is written again, too.
        const [{ address, at }] = reverted;
        const one = (region) => (region.address === address ? [at] : []);
        const alone = await this.round({ change: one, pattern: PATTERNS[0] });
        const again = (byStart.length > 0 ? alone.reverted : alone.revertedByTls)?.some(({ length }) => length > 0);
        if (again) Object.assign(saw.data, { reverted: reverted.map(({ address, at, length }) => ({ address: address + at, length })), by: byStart.length > 0 ? "start" : "tls" });
      }
    }
    if (plain.tls) {
      saw.tls = {
        error: plain.tls.error,
        called: plain.tls.called,
        gave: plain.tls.gave,
        base: plain.tls.base,
        outside: plain.outside,
        unwritten: changed ? plain.own.filter((byte, index) => byte === PATTERNS[1] && changed.own[index] === PATTERNS[0]).length : plain.own.filter((byte) => byte === PATTERNS[1]).length,
        wrong: this.template ? [...this.template].filter((byte, index) => plain.own[index] !== byte).length : 0,
      };
    } else if (plain.own) {
      // wasm-bindgen's start takes the block from the heap. Where that was written to before, what is left of it shows.
      const { base } = plain.second;
      const poisoned = await this.round({ pattern: PATTERNS[0], poison: { address: base, size: plain.own.length } });
      const stayed = poisoned.own && same(poisoned.first, plain.first) && same(poisoned.second, plain.second);
      const unwritten = plain.own.filter((byte, index) => byte !== PATTERNS[0] && poisoned.own?.[index] === PATTERNS[0]).length;
      saw.tls = { base, unwritten: stayed ? unwritten : null };
    }
    return saw;
  }
}

/** At most so many numbers, evenly spread among those that fit. */
function samples(content, fits, most, shift = 0) {
  let count = 0;
  for (let index = 0; index < content.length; index++) if (fits(index)) count++;
  const step = Math.max(1, Math.ceil(count / most));
  const from = (Math.floor(step / 2) + shift) % step;
  const chosen = [];
  for (let index = 0, nth = 0; index < content.length; index++) if (fits(index) && nth++ % step === from) chosen.push(index);
  return chosen;
}

if (isMainThread) {
  const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
  try {
    const run = new Run(plan);
    say({ saw: await run.all() });
  } catch (error) {
    say({ failed: told(error) });
  }
  process.exit(0);
} else {
  work(workerData);
}
