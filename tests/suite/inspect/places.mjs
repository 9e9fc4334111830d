// Makes a module's memory by the very line that inspect prints, runs the module, and prints for each thing of places.c the
// kind of the part that its address lies in.
import { readFileSync } from 'node:fs';

const [, , facts, file] = process.argv;
const [module] = JSON.parse(readFileSync(facts, 'utf8')).modules;
const [description] = module.memories;
let memory;
let imports = {};
if (description.import) {
    memory = eval(description.javascript);
    imports = eval(`(${description.javascript_imports})`);
}
const { instance } = await WebAssembly.instantiate(readFileSync(file), imports);
const exports = instance.exports;
memory ??= exports.memory;
const bytes = new Uint8Array(memory.buffer);
if (BigInt(memory.buffer.byteLength) !== BigInt(description.initial_bytes)) throw new Error('another size');

const kind = address => {
    const part = module.layout.parts.find(part => part.begins <= address && address < part.ends);
    return part ? part.kind : 'nowhere';
};
const found = {};
for (const name of ['text', 'value', 'zeros', 'stack', 'local', 'heap']) {
    const where = exports[`where_${name}`];
    if (where) found[name] = kind(Number(where(0)));
}
// The heap begins where the linker says, to the byte.
const heap = module.layout.parts.find(part => part.kind === 'heap');
if (heap && exports.where_heap && heap.begins !== Number(exports.where_heap())) throw new Error(`a heap at ${exports.where_heap()}`);
// The segments are where they are said to be.
for (const segment of module.segments) {
    if (segment.address === null) continue;
    const held = Buffer.from(bytes.subarray(segment.address, segment.address + segment.size)).toString('latin1');
    if (segment.name === '.rodata' && !held.startsWith('read only, and never moved')) throw new Error(`no text: ${held}`);
}
console.log(JSON.stringify(found));
