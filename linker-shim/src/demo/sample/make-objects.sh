#!/bin/sh
# Makes the demo's objects from counter.rs: one for each codegen unit, and a note of the compiler that made them.
#
#     ./make-objects.sh           makes them anew, with rustc (or $RUSTC)
#     ./make-objects.sh --check   makes them elsewhere, with the compiler of the note, and compares byte for byte
#
# Exit status of --check: 0 the same, 1 not the same, 2 that compiler is not installed
# (`rustup toolchain install VERSION` mends that).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
check=false
case "${1-}" in
    '') ;;
    --check) check=true ;;
    *) echo "usage: $0 [--check]" >&2; exit 2 ;;
esac

rustc=${RUSTC:-rustc}
toolchain=
if $check; then
    wanted=$(cat "$here/made-by.txt")
    if [ "$($rustc --version 2>/dev/null)" != "$wanted" ]; then
        # "rustc 1.95.0 (…)": the second word is a toolchain's name.
        version=${wanted#rustc }
        version=${version%% *}
        toolchain=+$version
        if [ "$(rustc "$toolchain" --version 2>/dev/null)" != "$wanted" ]; then
            echo "not compared: $wanted is not installed" >&2
            exit 2
        fi
        rustc=rustc
    fi
fi

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cd "$made"
# no_core is a feature of the compiler itself, hence RUSTC_BOOTSTRAP. Incremental, because otherwise units as small
# as these are merged into one; readable unit names, to tell the two apart. `metadata` goes into the symbols' hashes.
RUSTC_BOOTSTRAP=1 $rustc $toolchain "$here/counter.rs" --crate-name counter --crate-type cdylib --edition 2024 \
    --target wasm32-unknown-unknown -C target-feature=+atomics,+bulk-memory,+mutable-globals \
    -C panic=abort -C opt-level=3 -C strip=debuginfo -C codegen-units=2 -C metadata=wasm-threads-demo \
    -C incremental=state -Z human-readable-cgu-names --remap-path-prefix "$here=." \
    --emit obj --out-dir units --cap-lints allow 2>messages || { cat messages >&2; exit 1; }
for unit in tickets worker; do
    cp units/counter.counter.*-$unit.*.o "counter-$unit.o"
done
$rustc $toolchain --version >made-by.txt

if $check; then
    for file in counter-tickets.o counter-worker.o made-by.txt; do
        cmp "$file" "$here/$file" || exit 1
    done
    echo "the same"
else
    cp counter-tickets.o counter-worker.o made-by.txt "$here"
    echo "made by $(cat made-by.txt)"
fi
