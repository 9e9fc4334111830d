// Judges one file, beside the page: whatever the file does to it, the page stays alive.

onmessage = ({ data: { module, name, file } }) => {
  judged(module, name, file)
    .catch(({ message }) => ({ failure: `the judge itself failed, which is a fault of this page: ${message}` }))
    .then(postMessage);
};

async function judged(module, name, file) {
  let bytes;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    return { failure: `the browser cannot read it: ${error.message}` };
  }
  const { instance } = await WebAssembly.instantiate(module);
  const { memory, ...judge } = instance.exports;
  const write = (room, from) => {
    const at = room(from.length) >>> 0;
    if (at === 0) return false;
    new Uint8Array(memory.buffer, at, from.length).set(from);
    return true;
  };
  const read = (at, length) => new TextDecoder().decode(new Uint8Array(memory.buffer, at >>> 0, length >>> 0));
  if (!write(judge.name, new TextEncoder().encode(name)) || !write(judge.file, bytes)) {
    return { failure: `a page has no room for ${bytes.length} bytes` };
  }
  const readable = judge.judge() === 1;
  const report = read(judge.report(), judge.report_length());
  if (!readable) return { finding: JSON.parse(report) };
  return { report, picture: read(judge.picture(), judge.picture_length()) };
}
