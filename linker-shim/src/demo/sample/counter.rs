//! The demo's sample: tickets from one counter, and a count that each thread keeps for itself.
//!
//! It must compile for WebAssembly where only the host's standard library is installed, so it does without even
//! `core`, and declares for itself the few things that the compiler cannot do without. Those change between
//! versions: `--cfg drop_glue` for rustc 1.97 and later, nothing for 1.95 and 1.96. No other version is needed:
//! where rustc refuses this file, the demo links the objects beside it, which `make-objects.sh` made from it.
#![no_core]
#![no_std]
#![feature(
    no_core,
    lang_items,
    intrinsics,
    rustc_attrs,
    adt_const_params,
    thread_local
)]
#![allow(internal_features, incomplete_features, unconditional_recursion)]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
impl Copy for u32 {}
#[lang = "sync"]
pub trait Sync {}
#[lang = "freeze"]
pub trait Freeze {}

// The compiler replaces the body; it only wants to know the name.
#[cfg_attr(not(drop_glue), lang = "drop_in_place")]
#[cfg_attr(drop_glue, lang = "drop_glue")]
unsafe fn drop_glue<T: PointeeSized>(it: *mut T) {
    unsafe { drop_glue(it) }
}

// The two traits that let an enum be the parameter of an intrinsic.
#[lang = "structural_peq"]
pub trait StructuralPartialEq {}
#[lang = "const_param_ty"]
pub trait ConstParamTy {}

/// In the order of `core::intrinsics::AtomicOrdering`: the compiler goes by the position.
pub enum AtomicOrdering {
    Relaxed,
    Release,
    Acquire,
    AcqRel,
    SeqCst,
}
impl StructuralPartialEq for AtomicOrdering {}
impl ConstParamTy for AtomicOrdering {}

/// Adds, and returns what was there before, in one step that no other thread can come between.
#[rustc_intrinsic]
unsafe fn atomic_xadd<T: Copy, U: Copy, const ORDER: AtomicOrdering>(at: *mut T, by: U) -> T;

/// What all threads share.
mod tickets {
    /// Not zero, so that it is data which some instance must write, and must not write again.
    static mut NEXT: u32 = 1;

    // Not inlined, so that this module stays an object of its own.
    #[inline(never)]
    pub fn take() -> u32 {
        unsafe {
            crate::atomic_xadd::<u32, u32, { crate::AtomicOrdering::SeqCst }>(&raw mut NEXT, 1)
        }
    }
}

/// What each thread has for itself, and what JavaScript calls.
mod worker {
    #[thread_local]
    static mut MINE: u32 = 0;

    /// The next ticket: no two threads may ever get the same.
    #[unsafe(no_mangle)]
    pub extern "C" fn take_ticket() -> u32 {
        // `+` is a trait of `core`, so the plain count is an atomic one as well.
        unsafe {
            crate::atomic_xadd::<u32, u32, { crate::AtomicOrdering::Relaxed }>(&raw mut MINE, 1)
        };
        crate::tickets::take()
    }

    /// How many tickets this thread took.
    #[unsafe(no_mangle)]
    pub extern "C" fn my_tickets() -> u32 {
        unsafe { MINE }
    }
}
