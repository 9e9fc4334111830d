//! Objects without atomics, or without what a shared memory needs besides.

use super::owner::Owner;
use super::{Failed, Rows, finding};
use crate::report::Finding;

pub(super) const ROWS: Rows = &[
    ("--shared-memory is disallowed by ", disallowed),
    ("'atomics' feature must be used in order to use shared memory", atomics_lost),
    ("'bulk-memory' feature must be used in order to use shared memory", bulk_memory),
    ("symbol exported via --export not found: __", export_not_found),
    ("R_WASM_MEMORY_ADDR_TLS_SLEB", tls_relocation),
    ("'mutable-globals' feature not present", mutable_globals),
    (" is not allowed.", feature_not_allowed),
];

fn disallowed(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let name = message.split("--shared-memory is disallowed by ").nth(1)?;
    let name = name.split(" because it was not compiled").next()?.trim();
    // Some versions give the path of an object on the line, all of them only the name of a member.
    let short = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let found = [name, short].map(failed.find).into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    let owners: Vec<Owner> = found.iter().map(|found| Owner::of(found, short)).collect();

    if let Some(owner) = owners.iter().find(|owner| owner.is_std()) {
        let whose = match &owner.krate {
            Some(krate) => format!("Rust's own `{krate}`"),
            None => format!("{short}, which came with the toolchain,"),
        };
        return finding(
            format!("{whose} was compiled without atomics"),
            format!("{short}\n{}", owner.place),
            "a standard library compiled with the same target features as your code",
            failed.build_std(),
        );
    }
    let places: Vec<&str> = owners.iter().map(|owner| owner.place.as_str()).collect();
    let found = if places.is_empty() { name.to_owned() } else { format!("{short}\n{}", places.join("\nor ")) };
    let mut named: Vec<String> = Vec::new();
    for krate in owners.iter().filter_map(|owner| owner.krate.clone()) {
        if !named.contains(&krate) {
            named.push(krate);
        }
    }
    let whose = match named.as_slice() {
        [] => String::new(),
        [one] => format!(" of the crate `{one}`"),
        several => {
            format!(
                " of one of the crates {}",
                several.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
            )
        }
    };
    if let Some((_, module)) = short.split_once(".lto.") {
        return finding(
            format!("{module}, which the linker compiled from bitcode, has no atomics"),
            name,
            "every crate and every C file compiled with atomics, as bitcode too",
            format!("{}.\nFor C: {}", failed.rust_flags(), failed.c_flags()),
        );
    }
    if short.ends_with(".rcgu.o") {
        return finding(
            format!("the Rust object {short}{whose} was compiled without atomics"),
            found,
            "every crate compiled with +atomics",
            failed.rust_flags(),
        );
    }
    // The name under which the `cc` crate reads them.
    let (target, c_flags) = (failed.triple().replace('-', "_"), failed.c_flags());
    finding(
        format!("the C or C++ object {short}{whose} was compiled without atomics"),
        found,
        "an object whose atomics and thread-locals are real",
        format!(
            "tell its compiler {c_flags}. Where a build script calls it, in .cargo/config.toml:\n[env]\n\
             CFLAGS_{target} = \"{c_flags}\"\nCXXFLAGS_{target} = \"{c_flags}\"\nor, in your own \
             build.rs, wasm_threads::cc() in place of cc::Build::new()"
        ),
    )
}

fn atomics_lost(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "a shared memory was asked for, and nothing that is linked was compiled with atomics",
        "--shared-memory, and no object with +atomics",
        "both, or neither",
        both_or_neither(failed, "--shared-memory"),
    )
}

fn both_or_neither(failed: &Failed<'_>, flag: &str) -> String {
    if failed.rustc {
        format!(
            "{}.\nIf it is not meant to be threaded: leave {flag} and its like out. They are added where they are needed",
            failed.rust_flags()
        )
    } else {
        format!("compile with {}, or leave {flag} out", failed.c_flags())
    }
}

fn bulk_memory(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "the objects were compiled with atomics but without bulk-memory",
        "+atomics alone",
        "+bulk-memory too: a shared memory is filled by memory.init",
        format!("-C target-feature=+atomics,+bulk-memory; for C: {}", failed.c_flags()),
    )
}

/// The symbols of thread-local storage: lld makes them where the memory is shared. `__heap_base` and `__data_end` it always makes.
fn export_not_found(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let symbol = message.rsplit(": ").next()?.trim();
    crate::exports::TLS_EXPORTS.contains(&symbol).then(|| {
        finding(
            "the flags for threads are on the command line, and +atomics is not in all of the code",
            format!("--export={symbol}, no --shared-memory, and objects without +atomics"),
            "both, or neither: this symbol exists in a shared memory only",
            both_or_neither(failed, &format!("--export={symbol}")),
        )
    })?
}

fn tls_relocation(message: &str, failed: &Failed<'_>) -> Option<Finding> {
    let symbol = message.split('`').nth(1).unwrap_or("a variable");
    finding(
        format!("`{symbol}` is thread-local to one object and an ordinary variable to another"),
        "an object with atomics uses a thread-local that is defined in an object without them",
        "both compiled with atomics",
        format!(
            "compile the one that defines it with atomics: for C, {}; for Rust, -Zbuild-std and -C \
             target-feature=+atomics (not --no-check-features, which hides just this)",
            failed.c_flags()
        ),
    )
}

fn mutable_globals(_: &str, failed: &Failed<'_>) -> Option<Finding> {
    finding(
        "__tls_base is a mutable global, and no object was compiled for those",
        "no +mutable-globals",
        "+mutable-globals (which -C target-cpu=mvp leaves out)",
        format!("-C target-feature=+atomics,+bulk-memory,+mutable-globals; for C: {} -mmutable-globals", failed.c_flags()),
    )
}

pub(super) fn feature_not_allowed(message: &str, _: &Failed<'_>) -> Option<Finding> {
    (message.contains("Target feature 'atomics'") || message.contains("Target feature 'bulk-memory'")).then(|| {
        finding(
            "--features= leaves out what the objects use",
            message,
            "a list with all that the objects use in it, or no list",
            "leave --features= out: the linker finds the features by itself",
        )
    })?
}
