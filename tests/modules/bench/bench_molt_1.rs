// SPDX-License-Identifier: GPL-2.0

//! One function for the benchmark.

use molt::prelude::*;

#[path = "molt/replace.rs"]
mod replace;
use replace::replace;

replace! {
    "One function for the benchmark";
    bench_f000 => f000 2000,
}
