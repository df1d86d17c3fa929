// SPDX-License-Identifier: GPL-2.0

//! Compiles: all that a patch can say.

use molt::prelude::*;

patch! {
    description: "A patch",
    author: "An author",
    license: "GPL",
    replace: true,
    states: [COUNTERS, inner::OTHERS],
    vmlinux: {
        force version_proc_show => show,
        callbacks {
            pre_patch: check,
            post_patch: told,
            pre_unpatch: told,
            post_unpatch: told,
        },
    },
    fat: {
        extern fn fat_evict_inode,
        callbacks { post_patch: told },
    },
}

static COUNTERS: State<c_int> = State::new(1, 1);

mod inner {
    use molt::prelude::*;

    pub(crate) static OTHERS: State<c_ulong> = State::new(2, 1);
}

unsafe extern "C" fn show(_m: *mut c::seq_file, _v: *mut c_void) -> c_int {
    let _ = fat_evict_inode;
    0
}

fn check(target: &Target<'_>) -> Result {
    if target.is_vmlinux() {
        Ok(())
    } else {
        Err(EINVAL)
    }
}

fn told(_target: &Target<'_>) {}
