// SPDX-License-Identifier: GPL-2.0

//! An author asks what to write.

use molt::prelude::*;

patch! {
    description: "What is the prototype?",
    license: "GPL",
    vmlinux: { cmdline_proc_show },
}
